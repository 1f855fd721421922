// Why it is so: the sentences of the lesson, the code as it runs with the lines that differ, and what is real of it.

import { newLines } from "./words.js";
import { html, lesson, rich, say, text } from "./view.js";

const SENTENCES = ["explain_1", "explain_2", "explain_3"];

export function Explain() {
  const sentences = SENTENCES.map((key) => say.maybe(key, "")).filter(Boolean);
  return html`${sentences.map((words) => html`<p key=${words}>${rich(words)}</p>`)}
    <h3>${text("laboratory.code")}</h3>
    <p>${rich(say.maybe("diff", ""))}</p>
    <div class="codes">${lesson.strategies.map((strategy, index) => html`<${Code} key=${strategy.name} strategy=${strategy} before=${lesson.strategies[index - 1]} />`)}</div>
    <aside class="card real"><h3>${text("laboratory.real")}</h3><p>${rich(say("real"))}</p></aside>`;
}

function Code({ strategy, before }) {
  const told = before ? new Set(newLines(strategy.code, before.code)) : new Set();
  return html`<figure class="code"><figcaption>${strategy.title} <span class="muted">${strategy.sub}</span></figcaption>
    <pre tabindex="0" aria-label=${strategy.title}><code>${strategy.code.trimEnd().split("\n").map((line, index) => (told.has(index) ? html`<mark key=${index}>${line}</mark>${"\n"}` : `${line}\n`))}</code></pre></figure>`;
}
