// What happened, in words: the trace as an ordered list, for who does not see the picture and for who wants to be sure.

import { shortName } from "./words.js";
import { html, laneName, say, seconds, text } from "./view.js";

/** The list of `events`; it is made when it is opened. `focus` are the numbers of those that are looked at. */
export function Story({ events, open, onToggle, focus }) {
  return html`<details class="story" open=${open} onToggle=${(event) => onToggle(event.currentTarget.open)}>
    <summary>${text("labpage.what_happened", { n: events.length })}</summary>
    ${open && html`<ol tabindex="0" aria-label=${text("labpage.what_happened", { n: events.length })}>${events.map((event) => html`<li key=${event.n} data-n=${event.n} class=${focus?.has(event.n) ? "looked" : ""}><span class="number">${seconds(event.t)}</span> ${inWords(event)}</li>`)}</ol>`}
  </details>`;
}

/** Return an event as a sentence. */
export function inWords(event) {
  const who = event.lane.split("-").map(laneName).join("–");
  const what = event.text ?? event.rung ?? event.token ?? event.seconds ?? event.value ?? [event.kinds ?? ""].flat().join(", ");
  const words = { who, msg: shortName(String(event.msg ?? "")), what: typeof what === "number" ? say.number(what) : what };
  return inLanguage(event.do, words).replace(/\s+([.,:])/g, "$1").replace(/\s+/g, " ").trim();
}

// A lesson may tell of more than the common words; then its own word is shown.
function inLanguage(did, words) {
  try {
    return text(`labpage.did_${did}`, words);
  } catch {
    return text("labpage.did_other", { ...words, did });
  }
}
