// What every chart of a page needs of uPlot: the colours of the current theme, the width of its place, the time axis.
// Owns building a plot anew when the theme changes and resizing it. Which lines there are is its caller's affair.

import uPlot from "uplot";
import { clock, seconds } from "./page.js";

const SHORT = 600; // seconds; below it the axis has to name seconds to tell two ticks apart
const NARROW = 240; // px, of a place that has no width yet

/** Return the colour a class of the page resolves to, in the current theme: a canvas knows no custom properties. */
export function colour(host, className) {
  const probe = host.appendChild(document.createElement("span"));
  probe.className = className;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Name the ticks of a time axis, for uPlot. */
export function times(plot, ticks) {
  const name = plot.scales.x.max - plot.scales.x.min < SHORT ? seconds : clock;
  return ticks.map((at) => name(at * 1000));
}

/**
 * Draw a plot of `height` px into `host`; `options(host)` are uPlot's, asked for again when the theme changes.
 * Returns {show(columns, label)}.
 */
export function mountPlot(host, height, options) {
  let data = null;
  let plot = null;
  const width = () => host.clientWidth || NARROW;
  const build = () => {
    if (!data) return;
    plot?.destroy();
    plot = new uPlot({ ...options(host), width: width(), height }, data, host);
  };
  new ResizeObserver(() => plot?.setSize({ width: width(), height })).observe(host);
  addEventListener("themechange", build);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  return {
    show(columns, label) {
      data = columns;
      if (plot) plot.setData(columns);
      else build();
      host.setAttribute("aria-label", label);
    },
  };
}
