// The button under a list that goes on further back, and what is said when that did not work.

import htm from "htm";
import { createElement } from "preact";
import { text } from "../shared/page.js";

const html = htm.bind(createElement);

/** Draw the button of `older`, which goes on after the record with the id `last`. */
export function OlderButton({ older, last }) {
  const state = older.state.value;
  if (state === "end" || last === undefined) return null;
  return html`${state === "failed" && html`<p class="notice bad" role="alert">${text("clinic.load_failed")}</p>`}
    <p class="actions older"><button class="button" type="button" aria-disabled=${state === "loading"} onClick=${() => older.load(last)}>
      ${text(state === "loading" ? "clinic.loading" : "clinic.older")}</button></p>`;
}
