// The graphs of the administration page: which there are, what they show, and the looks they are drawn from, bounded.

import { colour, mountPlot, times } from "../shared/chart.js";
import { bytes, count, milliseconds, percent } from "./numbers.js";
import { text } from "../shared/page.js";

const [SHORTEST, LONGEST] = [60, 180]; // s of the time axis
const HEIGHT = 118;
const RUNGS = [["ws", 0], ["sse", 3], ["poll", 1]];
const SORTS = [["durable", 2], ["state", 6], ["signal", 7]];
const MORE = ["socketio", 4];
const total = (amounts) => Object.values(amounts).reduce((sum, one) => sum + one, 0);
const others = (amounts) => total(amounts) - [...RUNGS, MORE].reduce((sum, [name]) => sum + (amounts[name] ?? 0), 0);

const of = (read, series) => series.map(([name, hue]) => ({ name, hue, read: (look) => read(look)[name] ?? 0 }));
const byRung = (read) => [
  ...of(read, RUNGS),
  { name: MORE[0], hue: MORE[1], read: (look) => read(look)[MORE[0]] || null, optional: true },
  { name: "other", hue: 2, read: (look) => others(read(look)) || null, optional: true },
];
const spread = (read, low, high) => [
  { name: "p50", hue: low, read: (look) => read(look).p50 },
  { name: "p95", hue: high, read: (look) => read(look).p95 },
];
const one = (hue, read) => [{ name: "all", hue, read }];

const GRAPHS = [
  { id: "delivered", write: count, least: 1, now: (look) => total(look.delivered), series: byRung((look) => look.delivered) },
  { id: "published", write: count, least: 1, now: (look) => total(look.published), series: of((look) => look.published, SORTS) },
  { id: "connections", write: count, least: 2, now: (look) => total(look.connections), series: byRung((look) => look.connections) },
  { id: "delivery", write: milliseconds, least: 1, now: (look) => look.delivery.p95, series: spread((look) => look.delivery, 0, 1) },
  { id: "commit", write: milliseconds, least: 1, now: (look) => look.commit.p95, series: spread((look) => look.commit, 2, 4) },
  { id: "loop", write: milliseconds, least: 1, now: (look) => look.loop_lag.p95, series: spread((look) => look.loop_lag, 5, 3) },
  { id: "bytes", write: bytes, least: 1000, now: (look) => look.sent_bytes, series: one(6, (look) => look.sent_bytes) },
  { id: "cpu", write: percent, least: 0.05, now: (look) => look.cpu, series: one(7, (look) => look.cpu) },
  { id: "memory", write: bytes, least: 20e6, steady: true, now: (look) => look.memory, series: one(5, (look) => look.memory) },
];

function options({ series, write, least, steady }) {
  return (host) => {
    const axis = { stroke: colour(host, "chart-words"), font: "11px Figtree, system-ui, sans-serif", ticks: { show: false } };
    const line = ({ hue }) => {
      const stroke = colour(host, `chart-line hue-${hue}`);
      const fill = series.length === 1 ? colour(host, `chart-fill hue-${hue}`) : undefined;
      return { stroke, fill, width: 2, points: { show: false }, spanGaps: false };
    };
    return {
      padding: [8, 6, 0, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: true, range: (_, first, last) => [Math.min(first, last - SHORTEST), last] },
        y: { range: (_, low, high) => rangeOf(low, high, least, steady) },
      },
      axes: [
        { ...axis, size: 24, space: 80, grid: { show: false }, values: times },
        { ...axis, size: 58, space: 30, grid: { stroke: colour(host, "chart-faint"), width: 1 }, values: (_, ticks) => ticks.map(write) },
      ],
      series: [{}, ...series.map(line)],
    };
  };
}

/** Return the range of a scale: from 0, unless the measure is `steady` and only its changes tell something; at least `least` wide. */
function rangeOf(low, high, least, steady) {
  if (low === null || high === null) return [0, least];
  if (!steady) return [0, Math.max(high * 1.15, least)];
  const room = Math.max(least - (high - low), (high - low) * 0.2) / 2;
  return [Math.max(0, low - room), high + room];
}

class Graph {
  constructor(grid, graph) {
    this.graph = graph;
    this.title = text(`admin.chart_${graph.id}`);
    const card = grid.appendChild(document.createElement("article"));
    card.className = "card graph";
    card.dataset.graph = graph.id;
    const head = card.appendChild(document.createElement("header"));
    head.appendChild(document.createElement("h3")).textContent = this.title;
    this.now = head.appendChild(document.createElement("p"));
    this.now.className = "figure number";
    const host = card.appendChild(document.createElement("div"));
    host.className = "chart";
    host.setAttribute("role", "img");
    this.plot = mountPlot(host, HEIGHT, options(graph));
    this.legend = card.appendChild(document.createElement("p"));
    this.legend.className = "legend small number";
  }

  draw(times, looks) {
    const { series, write, now } = this.graph;
    const columns = series.map(({ read }) => looks.map((look) => (look ? read(look) : null)));
    const latest = looks.at(-1);
    this.now.textContent = write(now(latest));
    const values = looks.filter(Boolean).map(now).filter(Number.isFinite);
    const range = { low: write(Math.min(...values)), high: write(Math.max(...values)) };
    const told = { name: this.title, now: write(now(latest)), seconds: Math.round(times.at(-1) - times[0]), ...range };
    this.plot.show([times, ...columns], text("admin.chart_told", told));
    const shown = series.filter(({ optional, read }) => series.length > 1 && !(optional && !read(latest)));
    this.legend.replaceChildren(...shown.map(({ name, hue, read }) => entry(name, hue, write(read(latest)))));
  }
}

function entry(name, hue, value) {
  const made = document.createElement("span");
  made.className = `hue-${hue}`;
  made.append(`${text(`admin.series_${name}`)} `, Object.assign(document.createElement("strong"), { textContent: value }));
  return made;
}

/** Draw the graphs into `grid`; returns {add(samples)}, each {timestamp, look}, in any order, one of an instant once. */
export function mountGraphs(grid) {
  const byTime = new Map();
  let graphs = null;
  return {
    add(samples) {
      for (const { timestamp, look } of samples) byTime.set(Date.parse(timestamp) / 1000, look);
      const last = Math.max(...byTime.keys());
      for (const at of byTime.keys()) if (at < last - LONGEST) byTime.delete(at);
      if (!byTime.size) return;
      if (!graphs) {
        grid.replaceChildren();
        graphs = GRAPHS.map((graph) => new Graph(grid, graph));
      }
      const [times, looks] = withPauses([...byTime].sort(([a], [b]) => a - b));
      for (const graph of graphs) graph.draw(times, looks);
    },
  };
}

/** Return `pairs` with a gap where nobody looked for a while: a line across it would claim what nobody measured. */
function withPauses(pairs) {
  const [times, looks] = [[], []];
  for (const [at, look] of pairs) {
    if (at - times.at(-1) > 5) {
      times.push((at + times.at(-1)) / 2);
      looks.push(null);
    }
    times.push(at);
    looks.push(look);
  }
  return [times, looks];
}
