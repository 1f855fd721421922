// JSON as people read it: indented, its names, texts and numbers told apart. Draws, and knows nothing of messages.

import htm from "htm";
import { createElement, Fragment } from "preact";

export const html = htm.bind(createElement);
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g;

/** Draw the indented JSON `json`; `label` names it for those who do not see it, `more` is said below it. */
export function Json({ json, label, more }) {
  const parts = [];
  let from = 0;
  for (const found of json.matchAll(TOKEN)) {
    const [whole, quoted, colon] = found;
    const kind = quoted ? (colon ? "json-name" : "json-text") : "json-number";
    const shown = quoted && colon ? quoted : whole;
    parts.push(json.slice(from, found.index), html`<span class=${kind}>${shown}</span>`);
    from = found.index + shown.length;
  }
  parts.push(json.slice(from));
  return html`<${Fragment}>
    <pre class="json" tabindex="0" aria-label=${label}>${parts}</pre>
    ${more && html`<p class="small muted">${more}</p>`}
  <//>`;
}
