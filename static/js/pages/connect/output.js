// What comes on the chosen topic, as any program gets it; and on an open one, a button that publishes something.

import { seconds, text, why } from "../shared/page.js";

const KEPT = 40;
const OPEN = /^(log|state|live)\//;
const UNTOLD = new Set(["pong", "published", "ack", "unsubscribed", "heartbeat"]);

/** Show what `live` hears on `topic`; returns {follow(topic)}. */
export function mountOutput(live, topic) {
  const box = document.getElementById("output");
  const rows = box.querySelector("ol");
  const wrong = document.getElementById("output-wrong");
  const publish = document.getElementById("publish");

  const complain = (words) => {
    wrong.textContent = words;
    wrong.hidden = !words;
  };
  const show = () => {
    for (const place of document.querySelectorAll("[data-topic]")) place.textContent = topic;
    document.querySelector("[data-topic-page]").href = `/topics/${topic}`;
    publish.hidden = !OPEN.test(topic);
  };

  live.on("*", (message) => {
    if (UNTOLD.has(message.type) || (message.topic && message.topic !== topic)) return;
    if (message.type === "error" && message.topic) {
      complain(text("connect.refused", { topic, why: why(message.data) }));
      return;
    }
    box.dataset.started = "true";
    rows.prepend(row(message));
    while (rows.children.length > KEPT) rows.lastElementChild.remove();
  });

  publish.addEventListener("click", () => {
    complain("");
    const greeting = { type: "saludo", data: { texto: "Hola" } };
    live.send(topic, greeting).catch((error) => complain(text("connect.publish_failed", { why: why(error) })));
  });

  show();
  return {
    follow(next) {
      topic = next;
      rows.replaceChildren();
      delete box.dataset.started;
      complain("");
      show();
    },
  };
}

function row(message) {
  const item = document.createElement("li");
  const { type, timestamp, topic, connection_id, ...rest } = message; // the last one is this page's secret
  const cells = { when: seconds(timestamp), type, rest: JSON.stringify(rest) };
  for (const [name, content] of Object.entries(cells)) {
    const cell = document.createElement("span");
    cell.className = name;
    cell.textContent = content;
    item.append(cell);
  }
  return item;
}
