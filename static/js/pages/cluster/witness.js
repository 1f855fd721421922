// What the witness has counted, and its verdict in one sentence.

import { html, lasting, number, tenths } from "./words.js";
import { rungName, text } from "../shared/page.js";

const COLUMNS = ["seen", "awaited", "missing", "twice", "disordered", "pause", "signals", "told_lost"];
const WRONG = new Set(["missing", "twice", "disordered"]);
const LONG = 1; // s, from which on it is told that a reader waits

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
  if (!witness) return null;
  const figures = {
    written: number(witness.written),
    acknowledged: number(witness.acknowledged),
    repeated: number(witness.repeated),
    longest_write: lasting(witness.pause.longest),
    signals_sent: number(witness.signals),
  };
  return html`<div class="card witness">
    ${witness.failed && html`<p class="notice bad" role="alert">${text("cluster.witness_failed", { why: witness.failed })}</p>`}
    <dl class="figures">
      ${Object.entries(figures).map(([name, value]) => html`<div key=${name}><dt>${text(`cluster.${name}`)}</dt><dd class="number" data-figure=${name}>${value}</dd></div>`)}
    </dl>
    <table>
      <caption class="unseen">${text("cluster.readers")}</caption>
      <thead><tr><th scope="col">${text("cluster.reader")}</th>${COLUMNS.map((id) => html`<th scope="col" key=${id}>${text(`cluster.${id}`)}</th>`)}</tr></thead>
      <tbody>${Object.entries(witness.readers).map(([name, reader]) => html`<${Reader} key=${name} name=${name} reader=${reader} />`)}</tbody>
    </table>
  </div>`;
}

function Reader({ name, reader }) {
  return html`<tr data-reader=${name}>
    <th scope="row">${rungName(name)} <span class=${`pill state-${reader.state}`}>${text(`cluster.link_${reader.state}`)}</span></th>
    ${COLUMNS.map((id) => html`<td key=${id} class=${`number${WRONG.has(id) && reader[id] ? " bad" : ""}`} data-name=${text(`cluster.${id}`)} data-figure=${id}>${id === "pause" ? pauses(reader.pause) : number(reader[id])}</td>`)}
  </tr>`;
}

function pauses({ longest, present }) {
  return html`<span>${lasting(longest)}${present > LONG && html` <span class="amber">${text("cluster.now", { n: tenths(present) })}</span>`}</span>`;
}
