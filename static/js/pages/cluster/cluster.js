// The page of `envivo cluster`: it follows what the command tells, and asks it for what the buttons say.
// Owns the event source and the asking; what is drawn is the affair of the modules beside it.

import { render } from "preact";
import { Nodes } from "./nodes.js";
import { readOut, Timeline } from "./timeline.js";
import { html } from "./words.js";
import { mountVerdict, Witness } from "./witness.js";
import { island, text } from "../shared/page.js";

const NOT_NOW = 409;
const place = (id) => document.getElementById(id);
const { state: first, token } = island("cluster");
const restartAll = place("restart-all");
const tellVerdict = mountVerdict(place("verdict"));
let reached = true;
let shown = first;
let told = first.timeline.at(-1)?.number ?? 0;

function say(id, words) {
  place(id).textContent = words;
  place(id).hidden = !words;
}

async function ask(path) {
  say("refused", "");
  const answer = await fetch(path, { method: "POST", headers: { "X-Cluster-Token": token } }).catch(() => null);
  if (answer?.ok) draw(await answer.json());
  else say("refused", text(answer?.status === NOT_NOW ? "cluster.refused" : "cluster.failed_to_ask"));
}

function draw(state) {
  shown = state;
  const may = (node) => (reached ? node.may : []);
  const act = (node, action) => ask(`/nodes/${node.number}/${action}`);
  const busy = state.rolling || !reached;
  restartAll.setAttribute("aria-disabled", String(busy));
  restartAll.textContent = text(state.rolling ? "cluster.rolling" : "cluster.restart_all");
  tellVerdict(state.witness);
  const news = readOut(state.timeline, told);
  if (news) place("news").textContent = news;
  told = state.timeline.at(-1)?.number ?? 0;
  render(html`<${Nodes} nodes=${state.nodes} may=${may} act=${act} />`, place("nodes"));
  render(html`<${Witness} witness=${state.witness} />`, place("witness"));
  render(html`<${Timeline} entries=${state.timeline} />`, place("timeline"));
}

restartAll.addEventListener("click", () => restartAll.getAttribute("aria-disabled") === "true" || ask("/restart"));

const events = new EventSource("/events");
const reach = (now) => {
  if (now === reached) return;
  reached = now;
  say("lost", now ? "" : text("cluster.lost"));
  draw(shown);
};
events.addEventListener("message", ({ data }) => {
  reach(true);
  draw(JSON.parse(data));
});
events.addEventListener("error", () => reach(false));
draw(first);
