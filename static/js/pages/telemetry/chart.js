// One small chart of one measure, drawn by uPlot in the colours of the page, following its size and its theme.
// Thresholds that are near are drawn as lines, what is beyond them is shaded. What the canvas shows is said in words by its label.

import { colour, mountPlot, times } from "../shared/chart.js";

const HEIGHT = 132;

function options(host, measure, thresholds) {
  const line = colour(host, "chart-line");
  const faint = colour(host, "chart-faint");
  const words = colour(host, "chart-words");
  const axis = { stroke: words, font: "11px Figtree, system-ui, sans-serif", ticks: { show: false } };
  return {
    padding: [10, 8, 0, 0],
    cursor: { y: false, points: { size: 7, fill: line, stroke: line } },
    legend: { show: false },
    scales: {
      x: { time: true, range: spread },
      y: { range: (_, low, high) => ranged(low, high, measure.least, thresholds) },
    },
    axes: [
      { ...axis, size: 26, space: 78, grid: { show: false }, values: times },
      { ...axis, size: 46, space: 34, grid: { stroke: faint, width: 1 } },
    ],
    series: [{}, { stroke: line, width: 2, fill: colour(host, "chart-fill"), points: { show: false }, spanGaps: false }],
    hooks: { drawClear: [bands(host, thresholds)], draw: [(plot) => lastPoint(plot, line)] },
  };
}

/** Return the stretch of time shown: one reading alone stands at the right end of a minute; uPlot would put it at the left end of a day. */
function spread(plot, first, last) {
  const moments = plot.data[0];
  return moments?.length === 1 ? [moments[0] - 60, moments[0]] : [first, last];
}

/** Return the range of the scale, at least `least` wide, for a steady measure must look steady. A threshold that is near comes into view. */
function ranged(low, high, least, { low: under, high: over }) {
  if (low === null || high === null) return [0, least];
  const near = Math.max(least, high - low);
  const room = Math.max(least - (high - low), (high - low) * 0.2) / 2;
  const bottom = low - under.warning < near ? Math.min(low, under.warning) : low;
  const top = over.warning - high < near ? Math.max(high, over.warning) : high;
  return [bottom - room, top + room];
}

/** Shade what is beyond a warning and what is beyond a critical threshold, and draw a line at each. */
function bands(host, { low, high }) {
  const paint = { warning: colour(host, "chart-warning"), critical: colour(host, "chart-critical") };
  return (plot) => {
    const { ctx, bbox } = plot;
    const { min, max } = plot.scales.y;
    const inside = (value) => plot.valToPos(Math.min(max, Math.max(min, value)), "y", true);
    ctx.save();
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const level of ["warning", "critical"]) {
      ctx.fillStyle = ctx.strokeStyle = paint[level];
      for (const [threshold, end] of [[low[level], min], [high[level], max]]) {
        const y = inside(threshold);
        ctx.globalAlpha = 0.12;
        ctx.fillRect(bbox.left, Math.min(y, inside(end)), bbox.width, Math.abs(inside(end) - y));
        ctx.globalAlpha = 0.8;
        if (threshold > min && threshold < max) strokeAcross(ctx, bbox, y);
      }
    }
    ctx.restore();
  };
}

function strokeAcross(ctx, { left, width }, y) {
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
}

function lastPoint(plot, line) {
  const [moments, values] = plot.data;
  if (!moments?.length || values.at(-1) === null) return;
  const { ctx } = plot;
  ctx.save();
  ctx.fillStyle = line;
  ctx.beginPath();
  ctx.arc(plot.valToPos(moments.at(-1), "x", true), plot.valToPos(values.at(-1), "y", true), 4 * devicePixelRatio, 0, 7);
  ctx.fill();
  ctx.restore();
}

/** Draw `measure` and its `thresholds` into `host`; returns {show(columns, label)}. */
export function mountChart(host, measure, thresholds) {
  const plot = mountPlot(host, HEIGHT, () => options(host, measure, thresholds));
  plot.show([[], []], "");
  return plot;
}
