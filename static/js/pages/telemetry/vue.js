// The older monitor, drawn by Vue with its own composables over our client. Render functions: a policy without
// `unsafe-eval` compiles no templates. The badge in the header shows the connection of the alerts.

import { createApp, h, ref, shallowReactive } from "vue";

import { useAlertsWebSocket, useWebSocket } from "../../envivo/adapters/vue.js";
import { connect } from "../../envivo/index.js";
import { mountBadge } from "../shared/badge.js";
import { forcedRungs } from "../shared/live.js";
import { island, language, seconds, text } from "../shared/page.js";
import { visitor } from "../shared/visitor.js";

const KEPT = 8; // messages in the list
const COUNTS = { total: "monitor.total", critical: "monitor.critical", warning: "monitor.warning", info: "monitor.info" };
const MEASURES = [
  { name: "temperature", key: "monitor.temperature", unit: "°C", decimals: 1 },
  { name: "ph", key: null, unit: "pH", decimals: 2 },
  { name: "conductivity", key: "monitor.conductivity", unit: "µS/cm", decimals: 0 },
  { name: "water_level", key: "monitor.water_level", unit: "%", decimals: 1 },
];

/** Connect as the page's address says: who, by which rungs. */
function connectHere(options) {
  const transports = forcedRungs();
  const params = { ...visitor(), ...options.params };
  return connect({ ...options, params, ...(transports && { transports }) });
}

function connectWithBadge(options) {
  const live = connectHere(options);
  mountBadge(document.getElementById("badge-slot"), live);
  return live;
}

const shown = (value, decimals) =>
  value.toLocaleString(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

/** Draw the line that says whether a composable is connected. */
function Connection({ name, isConnected, reconnectAttempts }) {
  const words = isConnected ? text("monitor.online") : text("monitor.offline", { n: reconnectAttempts });
  return h("p", { class: ["monitor-state", isConnected ? "good" : "bad"], role: "status", "data-of": name }, [
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("span", words),
  ]);
}

function Counts({ counts }) {
  const one = ([name, key]) =>
    h("div", { class: `count-${name}`, key: name }, [
      h("dt", text(key)),
      h("dd", { class: "number", "data-count": name }, String(counts[name])),
    ]);
  return h("dl", { class: "monitor-counts" }, Object.entries(COUNTS).map(one));
}

function Readings({ readings }) {
  if (readings.size === 0) return h("p", { class: "empty" }, text("monitor.no_readings"));
  const column = ({ key, unit }) => h("th", { scope: "col" }, key ? [text(key), " ", h("small", unit)] : unit);
  const row = ([id, data]) =>
    h("tr", { key: id }, [
      h("th", { scope: "row" }, id),
      ...MEASURES.map(({ name, decimals }) => h("td", { class: "number" }, shown(data[name], decimals))),
    ]);
  const head = h("thead", h("tr", [h("th", { scope: "col" }, text("monitor.reservoir")), ...MEASURES.map(column)]));
  const rows = [...readings].sort(([a], [b]) => a.localeCompare(b)).map(row);
  const region = { class: "monitor-table", tabindex: 0, role: "group", "aria-label": text("monitor.sensors") };
  return h("div", region, h("table", [head, h("tbody", rows)]));
}

function Heard({ heard }) {
  if (heard.length === 0) return h("p", { class: "empty" }, text("monitor.nothing"));
  const line = ({ number, at, type, said }) =>
    h("li", { key: number }, [h("time", { class: "number muted" }, seconds(at)), h("strong", type), h("code", said)]);
  return h("ol", { class: "monitor-heard" }, heard.map(line));
}

/** Return a titled card whose heading names the composable behind it. */
const card = (id, title, composable, ...children) =>
  h("section", { class: "card", "aria-labelledby": id }, [
    h("header", [h("h2", { id }, title), composable && h("code", { class: "muted" }, composable)]),
    ...children,
  ]);

/** Return the counts of the alerts, and what the composable behind them tells of its connection. */
function useCounts(note) {
  const counts = ref(island("counts"));
  const onUpdate = (data, message) => {
    counts.value = data;
    note(message);
  };
  return { counts, ...useAlertsWebSocket(onUpdate, connectWithBadge) };
}

/** Return the newest reading of each reservoir, a ping, and what went wrong last. */
function useSensors(note) {
  const readings = shallowReactive(new Map());
  const [trip, wrong] = [ref(""), ref("")];
  const url = new URL("/ws/sensors", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const onMessage = (message) => {
    if (message.type === "sensor_update") readings.set(message.data.reservoir_id, message.data);
    if (message.type === "connected") wrong.value = "";
    if (message.type !== "heartbeat") note(message);
  };
  const onError = (error) => (wrong.value = error.message);
  const socket = useWebSocket({ url: url.href, onMessage, onError }, connectHere);
  async function ping() {
    const before = performance.now();
    trip.value = "…";
    const answered = await socket.ping().catch(() => null);
    trip.value = answered ? text("monitor.pong", { ms: Math.max(1, Math.round(performance.now() - before)) }) : "";
  }
  return { ...socket, readings, trip, wrong, ping };
}

function setup() {
  const heard = ref([]);
  let number = 0;
  const note = ({ type, timestamp, data, ...rest }) => {
    number += 1;
    heard.value = [{ number, at: timestamp, type, said: JSON.stringify(data ?? rest) }, ...heard.value].slice(0, KEPT);
  };
  const alerts = useCounts(note);
  const sensors = useSensors(note);
  const state = (name, { isConnected, reconnectAttempts }) =>
    h(Connection, { name, isConnected: isConnected.value, reconnectAttempts: reconnectAttempts.value });
  const { wrong, trip, ping } = sensors;
  return () => [
    card("alerts-title", text("monitor.alerts"), "useAlertsWebSocket", h(Counts, { counts: alerts.counts.value }), state("alerts", alerts)),
    card(
      "sensors-title", text("monitor.sensors"), "useWebSocket", h(Readings, { readings: sensors.readings }), state("sensors", sensors),
      wrong.value && h("p", { class: "small muted", id: "wrong" }, text("monitor.wrong", { why: wrong.value })),
      h("p", { class: "actions" }, [
        h("button", { class: "button", type: "button", id: "ping", onClick: ping }, text("monitor.ping")),
        h("span", { role: "status", class: "number", id: "pong" }, trip.value),
      ]),
    ),
    card("heard-title", text("monitor.heard"), null, h(Heard, { heard: heard.value })),
  ];
}

Connection.props = ["name", "isConnected", "reconnectAttempts"];
Counts.props = ["counts"];
Readings.props = ["readings"];
Heard.props = ["heard"];

createApp({ setup }).mount("#monitor");
