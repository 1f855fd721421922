// What the rules say of a run by a time: ✓ no counter-example, ? not known yet, ✕ broken. A broken one shows its events.

import { html, said, say, text } from "./view.js";

const SIGNS = { holds: "✓", open: "?", broken: "✕" };

/** Return what is known of a verdict by the time `at` of a run that `lasts` so long. */
export function stateAt({ state, breach }, at, lasts) {
  if (state === "broken") return at >= (breach?.t ?? lasts) - 1e-9 ? "broken" : "open";
  return at >= lasts - 1e-9 ? state : "open";
}

/** The rules of a strategy. `look(verdict)` is called with the one whose counter-example shall be seen; null for all. */
export function Verdicts({ played, at, looked, look }) {
  return html`<ul class="verdicts">${played.verdicts.map((verdict) => {
    const state = stateAt(verdict, at, played.lasts);
    const isLooked = looked === verdict.rule;
    const words = state !== "broken" && at >= played.lasts - 1e-9 ? sentence(verdict) : text(`labpage.rule_${state}`);
    return html`<li key=${verdict.rule} class=${state} data-rule=${verdict.rule} data-state=${state}>
      <span class="verdict-sign" aria-hidden="true">${SIGNS[state]}</span>
      <span>
        <strong title=${words}>${say(verdict.rule)}</strong><span class="unseen">: ${words}</span>
        ${state === "broken" && html` <span class="why">${said(verdict.breach)}</span>
          <button type="button" class="linkish" aria-pressed=${String(isLooked)} onClick=${() => look(isLooked ? null : verdict)}>${text(isLooked ? "labpage.see_all" : "labpage.see_there")}<span class="unseen">: ${say(verdict.rule)}</span></button>`}
      </span>
    </li>`;
  })}</ul>`;
}

function sentence({ state, looked_at, waits_for }) {
  return state === "holds" ? say("holds", { n: looked_at }) : say("open", { list: waits_for });
}
