// What was done and what was noticed, the newest first.

import { html, tenths } from "./words.js";
import { rungName, seconds, text } from "../shared/page.js";

export function Timeline({ entries }) {
  if (!entries.length) return html`<p class="muted">${text("cluster.timeline_empty")}</p>`;
  return html`<ol>
    ${entries.toReversed().map((entry) => html`<li key=${entry.number} data-word=${entry.word} class=${entry.word.startsWith("did_") ? "did" : entry.word === "wrong" || entry.word === "failed" ? "bad" : ""}>
      <time datetime=${new Date(entry.at).toISOString()}>${seconds(entry.at)}</time> <span>${inWords(entry)}</span>
    </li>`)}
  </ol>`;
}

function inWords({ word, about }) {
  const values = { ...about };
  if (values.reader) values.reader = rungName(values.reader);
  if (values.s) values.s = tenths(values.s);
  return text(`cluster.word_${word}`, values);
}
