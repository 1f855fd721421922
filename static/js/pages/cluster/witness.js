// What the witness has counted, and its verdict in one sentence.

import { html, lasting, number } from "./words.js";
import { rungName, text } from "../shared/page.js";

const WRONG = ["missing", "twice", "disordered"];

/** Return what tells the verdict in `place`: only when it is another one, so that it is read out once. */
export function mountVerdict(place) {
  let told = null;
  return (witness) => {
    const verdict = !witness ? "none" : witness.wrong ? "broken" : witness.acknowledged ? "kept" : "waiting";
    if (verdict === told) return;
    told = verdict;
    place.dataset.verdict = verdict;
    place.textContent = text(verdict === "none" ? "cluster.no_witness" : `cluster.verdict_${verdict}`);
  };
}

export function Witness({ witness }) {
  if (!witness) return html`<p class="muted">${text("cluster.no_witness")}</p>`;
  const longest = lasting(witness.pause.longest);
  const figures = { written: number(witness.written), acknowledged: number(witness.acknowledged), repeated: number(witness.repeated), longest_write: longest, signals_sent: number(witness.signals) };
  return html`<div class="card witness">
    <p class="small muted">${text("cluster.witness_lead")}</p>
    ${witness.failed && html`<p class="notice bad" role="alert">${text("cluster.witness_failed", { why: witness.failed })}</p>`}
    <dl class="figures">
      ${Object.entries(figures).map(([name, value]) => html`<div key=${name}><dt>${text(`cluster.${name}`)}</dt><dd class="number" data-figure=${name}>${value}</dd></div>`)}
    </dl>
    <div class="readers">${Object.entries(witness.readers).map(([name, reader]) => html`<${Reader} key=${name} name=${name} reader=${reader} />`)}</div>
    <p class="small muted">${text("cluster.signals_note")}</p>
  </div>`;
}

function Reader({ name, reader }) {
  const plain = { seen: number(reader.seen), awaited: number(reader.awaited) };
  const more = { pause: lasting(reader.pause.longest), signals: number(reader.signals), told_lost: number(reader.told_lost) };
  const cell = (id, value, bad) => html`<div key=${id}><dt>${text(`cluster.${id}`)}</dt><dd class=${`number${bad ? " bad" : ""}`} data-figure=${id}>${value}</dd></div>`;
  return html`<section class="reader" data-reader=${name} aria-labelledby=${`reader-${name}`}>
    <h3 id=${`reader-${name}`}>${rungName(name)} <span class=${`pill state-${reader.state}`}>${text(`cluster.link_${reader.state}`)}</span></h3>
    <dl>
      ${Object.entries(plain).map(([id, value]) => cell(id, value, false))}
      ${WRONG.map((id) => cell(id, number(reader[id]), reader[id] > 0))}
      ${Object.entries(more).map(([id, value]) => cell(id, value, false))}
    </dl>
  </section>`;
}
