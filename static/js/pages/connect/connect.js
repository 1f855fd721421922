// "Connect your own client": the chosen topic in every snippet, and what comes on it below.
// Owns the topic: the form, the page's address, the subscription. Snippets and output live in modules of their own.

import { mountOutput } from "./output.js";
import { mountSnippets } from "./snippets.js";
import { startLive } from "../shared/live.js";
import { island } from "../shared/page.js";

const NAME = /^[\w.-]+(\/[\w.-]+)*$/;

let { topic } = island("topic-data");
const form = document.getElementById("topic-form");
const live = startLive({ topics: [topic] });
const fill = mountSnippets(document.getElementById("snippets"));
const output = mountOutput(live, topic);

function follow(name) {
  if (name === topic || !NAME.test(name)) return;
  topic = name;
  fill(topic);
  output.follow(topic);
  live.subscribe(topic);
}

// Topics that were followed before are left when the new one has been heard: it may be refused, and a connection needs one.
live.on("*", (message) => {
  if (message.topic !== topic || message.type === "error") return;
  for (const name of live.topics) if (name !== topic) live.unsubscribe(name);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = form.elements.topic.value.trim();
  if (name !== topic) history.pushState(null, "", `?${addressOf(name)}`);
  follow(name);
});

addEventListener("popstate", () => {
  const name = new URLSearchParams(location.search).get("topic") ?? "sensors";
  form.elements.topic.value = name;
  follow(name);
});

function addressOf(name) {
  const query = new URLSearchParams(location.search);
  query.set("topic", name);
  return query.toString().replaceAll("%2F", "/");
}
