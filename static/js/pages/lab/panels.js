// A panel for each strategy: its picture, what it has come to by now, what the rules say, the run in words.

import { Picture } from "./spacetime.js";
import { frameAt, Notes, Strip } from "./strip.js";
import { Story } from "./story.js";
import { stateAt, Verdicts } from "./verdicts.js";
import { html, lesson, said, text } from "./view.js";

/** `shown` has what is seen: clock, views (by strategy: drawn, scale), focus ({strategy, rule, numbers} or null), opened. */
export function Panels({ run, shown, look, open }) {
  return html`<div class="panels">${run.played.map((played) => html`<${Panel} key=${played.strategy} played=${played} shown=${shown} look=${look} open=${open} />`)}</div>`;
}

function Panel({ played, shown, look, open }) {
  const { strategy, frames, verdicts, lasts } = played;
  const { title, sub } = lesson.strategies.find(({ name }) => name === strategy) ?? { title: strategy, sub: "" };
  const at = Math.min(shown.clock.at, shown.clock.lasts);
  const strip = frames[frameAt(frames, at)]?.strip ?? null;
  const states = verdicts.map((verdict) => stateAt(verdict, at, lasts));
  const isBroken = states.includes("broken");
  const state = isBroken ? "broken" : states.every((one) => one === "holds") ? "holds" : "open";
  const focus = shown.focus?.strategy === strategy ? shown.focus : null;
  const isLast = strategy === shown.last;
  const isDim = shown.focus !== null && focus === null;
  return html`<article class=${`panel card${isDim ? " dim" : ""}`} data-strategy=${strategy} data-state=${state} aria-labelledby=${`lab-${strategy}`}>
    <header><h3 id=${`lab-${strategy}`}>${title} <span class="muted">${sub}</span></h3>${strip && html`<p class="outcome">${isBroken && html`<span aria-hidden="true">✕ </span>`}${said(strip.outcome)}</p>`}</header>
    ${shown.picture(strategy, () => html`<${Picture} id=${strategy} ...${shown.views.get(strategy)} slow=${shown.clock.slow} hasNumbers=${isLast} focus=${focus?.numbers ?? null} words=${text("labpage.picture", { title })} />`)}
    ${frames.length > 0 && html`<${Strip} strip=${strip} whole=${frames.at(-1).strip} />`}
    <div class="foot">
      <${Verdicts} played=${played} at=${at} looked=${focus?.rule ?? null} look=${(verdict) => look(strategy, verdict)} />
      <${Notes} notes=${strip?.notes ?? []} />
      <${Story} events=${played.events} open=${shown.opened.has(strategy)} onToggle=${(is) => open(strategy, is)} focus=${focus?.numbers ?? null} />
    </div>
  </article>`;
}

/** Return what of the panels is other than a moment ago: while it stays the same only the curtain moves. */
export function signature(run, clock) {
  const states = run.played.map(({ frames, verdicts, lasts }) => [frameAt(frames, clock.at), ...verdicts.map((one) => stateAt(one, clock.at, lasts))]);
  return JSON.stringify([states, clock.isPlaying, clock.speed, clock.isHeld, clock.isOver]);
}
