// The chart of the bank's counters, drawn by uPlot: three lines over the last minutes, in the colours of the counters.
// What the canvas shows is said in words by its label.

import uPlot from "uplot";
import { colour, mountPlot } from "../shared/chart.js";
import { seconds } from "../shared/page.js";

const HEIGHT = 190;
const MINUTES = 5; // that it reaches back
const POINTS = 2000; // at most, however often the counters come
const LINES = ["clientes_activos", "operaciones_simultaneas", "conexiones_activas"];
const stepped = uPlot.paths.stepped({ align: 1 });

function options(host) {
  const words = colour(host, "chart-words");
  const axis = { stroke: words, font: "11px Figtree, system-ui, sans-serif", ticks: { show: false } };
  const lines = LINES.map((_, index) => ({
    stroke: colour(host, `chart-line hue-${index}`),
    width: 2,
    paths: stepped,
    points: { show: false },
  }));
  return {
    padding: [10, 10, 0, 0],
    cursor: { y: false },
    legend: { show: false },
    scales: { x: { time: true, range: window }, y: { range: (_, low, high) => [0, Math.max(4, high * 1.15)] } },
    axes: [
      { ...axis, size: 26, space: 90, grid: { show: false }, values: (_, ticks) => ticks.map((at) => seconds(at * 1000)) },
      { ...axis, size: 40, space: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10_000], grid: { stroke: colour(host, "chart-faint"), width: 1 } },
    ],
    series: [{}, ...lines],
  };
}

/** Return the stretch of time shown: the last minutes, or as much of them as has passed, a minute at least. */
function window(_, first, last) {
  const end = last ?? Date.now() / 1000;
  return [Math.min(first ?? end, end - 60), end];
}

/** Draw the chart into `host`; return {add(timestamp, statistics, label)}. */
export function mountChart(host) {
  const data = [[], ...LINES.map(() => [])];
  const plot = mountPlot(host, HEIGHT, options);
  const forget = (now) => {
    while (data[0].length > POINTS || data[0][0] < now - MINUTES * 60) for (const column of data) column.shift();
  };
  return {
    add(timestamp, statistics, label) {
      const at = Date.parse(timestamp) / 1000;
      if (at <= data[0].at(-1)) return;
      data[0].push(at);
      LINES.forEach((name, index) => data[index + 1].push(statistics[name]));
      forget(at);
      plot.show(data, label);
    },
  };
}
