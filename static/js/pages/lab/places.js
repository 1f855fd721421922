// What a lesson's page has before anything is drawn: its sections, its connection; and the marks of its bar.

import { actsOf } from "./address.js";
import { firstBreach } from "./trace.js";
import { actName, say, text } from "./view.js";
import { startLive } from "../shared/live.js";

const PARTS = ["predict", "player", "observe", "explain", "quiz", "knobs", "hunt"];

/** Return the places that are drawn into, by the part. The server wrote what is read without a script. Its headings stay; the question comes before the run. */
export function mountPlaces() {
  const found = {};
  const main = document.getElementById("main");
  const after = document.getElementById("lab-hunt").nextElementSibling;
  for (const part of PARTS) {
    const section = document.getElementById(`lab-${part}`);
    section.replaceChildren(section.querySelector("h2"), Object.assign(document.createElement("div"), { className: "lab-part" }));
    found[part] = section.lastElementChild;
    main.insertBefore(section, after);
  }
  main.dataset.lab = "ready";
  return found;
}

/** Return what returns the page's connection. Who may not follow the badge's topic is connected when there is something to follow. */
export function connection() {
  const { topic } = document.getElementById("badge-slot").dataset;
  let live = topic ? startLive({ topics: [topic] }) : null;
  return () => (live ??= startLive({ topics: [] }));
}

/** Return what the bar marks: faults, acts, the first broken rule. */
export function marksOf(run, faults) {
  const breach = firstBreach(run);
  const found = [
    ...faults.map((at) => ({ at, kind: "fault", words: text("labpage.mark_fault") })),
    ...actsOf(run).map((act) => ({ at: act.at, kind: "act", words: actName(act.do) })),
    ...(breach ? [{ at: breach.at, kind: "breach", words: text("labpage.mark_breach", { rule: say(breach.rule) }) }] : []),
  ];
  return found.sort((one, other) => one.at - other.at);
}
