// The ladder on the home page: which rung carries this page now, what was tried before, and buttons that leave only one.
// Owns the rung marks and the numbers in the diagram; the choice itself is the client library's.

import { RUNGS, forcedRungs } from "../shared/live.js";
import { text } from "../shared/page.js";

const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/** Keep `ladder` (a list with data-rung items) and the diagrams `flows` true to the connection. */
export function mountLadder(ladder, flows, live) {
  let forced = forcedRungs()?.join(",") ?? "";
  const update = () => {
    const { status } = live;
    const rung = status.state === "connected" ? status.transport : null;
    for (const item of ladder.querySelectorAll("[data-rung]")) showRung(item, rung, forced, status);
    for (const flow of flows) showFlow(flow, rung, status.id);
  };
  const choose = (rungs) => {
    forced = rungs;
    markChoice(forced);
    live.use(forced ? forced.split(",") : RUNGS);
    update();
  };
  for (const button of document.querySelectorAll("[data-force]")) {
    button.addEventListener("click", (event) => {
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return; // another tab or window is wanted
      event.preventDefault();
      history.pushState(null, "", button.href);
      choose(button.dataset.force);
    });
  }
  addEventListener("popstate", () => choose(forcedRungs()?.join(",") ?? ""));
  markChoice(forced);
  update();
  live.on("status", update);
}

/** Mark the choice among the buttons, whose addresses keep whatever else is in this page's. */
function markChoice(forced) {
  for (const button of document.querySelectorAll("[data-force]")) {
    if (button.dataset.force === forced) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    button.href = address(button.dataset.force);
  }
}

function address(rungs) {
  const url = new URL(location.href);
  if (rungs) url.searchParams.set("transports", rungs);
  else url.searchParams.delete("transports");
  url.hash = "ladder";
  return `${url.pathname}${url.search}${url.hash}`;
}

function showRung(item, rung, forced, status) {
  const name = item.dataset.rung;
  const out = forced && !forced.split(",").includes(name);
  const last = status.why.findLast((attempt) => attempt.transport === name);
  const failed = last && last.outcome !== "opened";
  const state = rung === name ? "lit" : out ? "out" : failed ? "failed" : "ready";
  item.dataset.state = state;
  item.querySelector("[data-mark]").textContent = text(`home.rung_${state}`);
}

/** Light the way to the visitor and number the cells of the log with the last position this page has heard of. */
function showFlow(flow, rung, id) {
  if (rung && (flow.dataset.transport !== rung || flow.dataset.id !== String(id))) travel(flow, rung);
  flow.dataset.transport = rung ?? "";
  flow.dataset.id = String(id);
  const position = Number(/-(\d+)/.exec(id ?? "")?.[1] ?? NaN);
  if (!Number.isFinite(position)) return;
  const cells = [...flow.querySelectorAll("[data-cell]")];
  cells.forEach((cell, i) => {
    const number = position - (cells.length - 1 - i);
    cell.textContent = number > 0 ? number : "·";
  });
}

/** Let the way to the visitor move for a moment: something came along it. */
function travel(flow, rung) {
  if (stillness.matches) return;
  for (const way of flow.querySelectorAll(`.way.on, .way[data-rung-way="${rung}"]`)) {
    way.animate({ strokeDashoffset: [0, -22] }, { duration: 900, iterations: 2 });
  }
}
