// The telemetry page: a section for each reservoir, fed by its history and the topic `sensors`; the alerts; the device form.

import { startLive } from "../shared/live.js";
import { island } from "../shared/page.js";
import { Alerts } from "./alerts.js";
import { mountDevice } from "./device.js";
import { Reservoir } from "./reservoir.js";

const given = island("telemetry");
const list = document.getElementById("reservoirs");
const reservoirs = new Map();
const hours = document.getElementById("window");
let shownHours = 24;

function open(id) {
  const drawn = [...list.querySelectorAll("[data-reservoir]")].find((section) => section.dataset.reservoir === id);
  const reservoir = new Reservoir(id, given.limits, drawn);
  reservoirs.set(id, reservoir);
  if (!drawn) list.append(reservoir.section);
  reservoir.mount(shownHours);
  document.getElementById("no-reservoirs").hidden = true;
  reservoir.load();
  return reservoir;
}

for (const reading of given.reservoirs) open(reading.reservoir_id).add([reading]);

const live = startLive({ topics: ["sensors", "alerts"], since: given.cursor });
live.on("sensor_update", ({ data, timestamp }) => {
  const reservoir = reservoirs.get(data.reservoir_id) ?? open(data.reservoir_id);
  reservoir.add([{ ...data, timestamp }]);
  reservoir.mark(alerts.severity);
});
live.on("reset", () => reservoirs.forEach((reservoir) => reservoir.begin()));

const alerts = new Alerts(given, live, () => {
  queueMicrotask(() => reservoirs.forEach((reservoir) => reservoir.mark(alerts.severity)));
});

const offline = document.getElementById("offline");
let wasConnected = false;
live.on("status", ({ state }) => {
  wasConnected ||= state === "connected";
  offline.hidden = state === "connected" || (state === "connecting" && !wasConnected);
});

hours.addEventListener("click", ({ target }) => {
  const { window: chosen } = target.dataset;
  if (!chosen) return;
  shownHours = Number(chosen);
  for (const button of hours.children) button.setAttribute("aria-pressed", String(button === target));
  reservoirs.forEach((reservoir) => reservoir.showHours(shownHours));
});

if (document.getElementById("device")) mountDevice(given.limits);
