// The way of a message across the top of the page, and the vital signs: one look, written where it belongs.

import { bytes, count, milliseconds, percent, span } from "./numbers.js";
import { text } from "../shared/page.js";

const RUNGS = ["ws", "sse", "poll"];
const FASTEST = 0.5; // s in which a dot crosses a stage when very much happens
const SLOWEST = 4;
const total = (amounts) => Object.values(amounts).reduce((sum, one) => sum + one, 0);

/** Let the dots of `element` run faster the more there is, by orders of magnitude, and rest where nothing happens. */
function pace(element, perSecond) {
  element.dataset.busy = perSecond > 0;
  const seconds = Math.max(FASTEST, SLOWEST - Math.log10(1 + perSecond));
  element.style.setProperty("--pace", `${seconds.toFixed(1)}s`);
}

function fill(stage, figure, more, perSecond) {
  stage.querySelector(".figure").textContent = figure;
  stage.querySelector("[data-more]").textContent = more;
  pace(stage, perSecond);
}

/** Write `look` into the page. */
export function showFlow(look) {
  const stage = (name) => document.querySelector(`[data-stage=${name}]`);
  const published = total(look.published);
  const perSecond = (n) => text("admin.per_second", { n: count(n) });
  const stored = look.commits
    ? text("admin.flow_commit", { ms: milliseconds(look.commit.p50 ?? NaN), group: count(look.group ?? NaN) })
    : text("admin.flow_commit_none");
  const handed = look.behind ? text("admin.flow_behind", { n: count(look.behind) }) : text("admin.flow_topics", { n: count(look.topics) });
  fill(stage("in"), perSecond(published), text("admin.flow_received", { n: count(look.received) }), published + look.received);
  fill(stage("log"), perSecond(look.commits), stored, look.commits);
  fill(stage("bus"), milliseconds(look.delivery.p50 ?? NaN), handed, published);
  pace(stage("out"), total(look.delivered));
  for (const rung of RUNGS) {
    const lane = document.querySelector(`[data-lane=${rung}]`);
    lane.querySelector("[data-open]").textContent = text("admin.flow_lane", { n: count(look.connections[rung] ?? 0) });
    lane.querySelector("[data-rate]").textContent = perSecond(look.delivered[rung] ?? 0);
    pace(lane, look.delivered[rung] ?? 0);
  }
  const vitals = { uptime: span(look.uptime), cpu: percent(look.cpu), memory: bytes(look.memory ?? NaN), errors: count(look.errors) };
  for (const [name, value] of Object.entries(vitals)) document.querySelector(`[data-vital=${name}]`).textContent = value;
}
