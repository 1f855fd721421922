// The administration page: every look at the server goes to the flow, the graphs and the lists.

import { Connections } from "./connections.js";
import { Doors } from "./doors.js";
import { showFlow } from "./flow.js";
import { mountGraphs } from "./graphs.js";
import { Nodes } from "./nodes.js";
import { Security } from "./security.js";
import { Topics } from "./topics.js";
import { startLive } from "../shared/live.js";
import { island, seconds, text } from "../shared/page.js";

const TOPICS_EVERY = 3; // looks
const given = island("admin");
const graphs = mountGraphs(document.getElementById("graphs"));
const connections = new Connections(document.getElementById("connections"), given.found);
const nodes = new Nodes(document.getElementById("nodes"), given.nodes);
const doors = new Doors(document.getElementById("doors"), document.getElementById("new-door"), given.doors);
const security = new Security(document.getElementById("security"), given.noted);
const topics = new Topics(document.getElementById("topics"));
const live = startLive({ topics: ["operations"], since: given.cursor });
let looks = 0;
let seenAt = null;

live.on("connected", ({ data }) => {
  connections.mine = data.handle;
  graphs.add(data.samples);
  connections.refresh();
  topics.refresh();
  nodes.refresh();
});
live.on("look", ({ data, timestamp }) => {
  seenAt = timestamp;
  graphs.add([{ timestamp, look: data }]);
  showFlow(data);
  connections.several = nodes.several;
  connections.refresh();
  nodes.refresh();
  security.refresh(data.noted);
  doors.refresh();
  if (looks % TOPICS_EVERY === 0) topics.refresh();
  looks += 1;
});

for (const time of document.querySelectorAll("#addresses-met time")) time.textContent = seconds(time.dateTime);

const notice = document.getElementById("offline");
live.on("status", ({ state }) => {
  const offline = state === "waiting" || state === "closed";
  if (offline) notice.textContent = seenAt ? text("admin.offline", { time: seconds(seenAt) }) : text("admin.offline_now");
  if (offline || state === "connected") notice.hidden = !offline;
});
