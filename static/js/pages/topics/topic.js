// One topic: goes live on it and wires what is shown of it. Each part lives in its own module.

import { textOf } from "../../envivo/messages.js";
import { startLive } from "../shared/live.js";
import { island, text } from "../shared/page.js";
import { mountFunctions } from "./functions.js";
import { mountPublish } from "./publish.js";
import { Pulse } from "./pulse.js";
import { mountRungs } from "./rungs.js";
import { Stream } from "./stream.js";
import { Wire } from "./wire.js";

const FUNCTIONS = "functions";
const element = (id) => document.getElementById(id);
const given = island("topic");
const replays = new URLSearchParams(location.search).get("since") === "0";

const live = startLive({
  topics: given.functions ? [given.name, FUNCTIONS] : [given.name],
  since: replays ? "0" : given.cursor,
});
const pulse = new Pulse(element("pulse"), given);
const wire = new Wire(element("wire"), given.poll_id, () => pulse.headerBytes);
const stream = new Stream(element("stream"), {
  kind: given.kind,
  replays,
  onLook: (entry) => {
    wire.show(entry);
    element("wire-title").scrollIntoView({ block: "start" });
    element("wire-title").focus({ preventScroll: true });
  },
});

function arrive(message, how) {
  const json = textOf(message);
  const entry = { message, json: json ?? JSON.stringify(message), respelled: json === null, ...how };
  if (stream.add(entry)) wire.follow(entry);
}

if (given.last && !replays) arrive(given.last, { delay: null });
live.on("*", (message) => {
  if (message.connection_id !== undefined) pulse.welcome(message.timestamp);
  if (message.topic !== given.name || message.key !== undefined) return;
  arrive(message, { delay: pulse.count(message) });
});
live.on("reset", () => stream.restart(text("topic.reset")));
live.on("status", ({ state }) => {
  const offline = state === "waiting" || state === "closed";
  if (offline) element("offline").textContent = text("topic.offline");
  if (offline || state === "connected") element("offline").hidden = !offline;
  if (state === "connected") pulse.ask();
});
pulse.start();
mountRungs(element("rungs"), live);
if (given.functions) mountFunctions(element("functions"), live, given.name);
if (given.open) mountPublish(element("publish"), live, given.name);
