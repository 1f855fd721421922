// What was done and what was noticed, the newest first.

import { html, tenths } from "./words.js";
import { rungName, seconds, text } from "../shared/page.js";

const READ_OUT = new Set(["serves", "answers", "silent", "over", "failed", "restarted_all", "wrong"]);

export function Timeline({ entries }) {
  if (!entries.length) return html`<p class="muted">${text("cluster.timeline_empty")}</p>`;
  return html`<ol>
    ${entries.toReversed().map((entry) => html`<li key=${entry.number} data-word=${entry.word} class=${kind(entry.word)}>
      <time datetime=${new Date(entry.at).toISOString()}>${seconds(entry.at)}</time>
      <span>${inWords(entry)} ${entry.about.why && html`<span class="muted" lang="en">${entry.about.why}</span>`}</span>
    </li>`)}
  </ol>`;
}

/** Return what is to be read out of the entries after number `last`: what the buttons have done, and what becomes of nodes. */
export function readOut(entries, last) {
  return entries.filter(({ number, word }) => number > last && (isDone(word) || READ_OUT.has(word))).map(inWords).join(". ");
}

const isDone = (word) => word.startsWith("did_");
const kind = (word) => (isDone(word) ? "did" : word === "wrong" || word === "failed" ? "bad" : "");

function inWords({ word, about }) {
  const values = { ...about };
  if (values.reader) values.reader = rungName(values.reader);
  if (values.part) values.part = text(`cluster.${values.part}`);
  if (values.s) values.s = tenths(values.s);
  return text(`cluster.word_${word}`, values);
}
