// The result strip: what a run has come to by a time, in cells and bars that are understood without the arrows.

import { html, said, say, text } from "./view.js";

const [BAR_WIDTH, BAR_HEIGHT] = [600, 90];
const MANY = 16; // cells in a row, from which on they are small

/** Return the number of the frame that holds at `at`; -1 before the first. */
export function frameAt(frames, at) {
  return frames.findLastIndex(({ t }) => t <= at + 1e-9);
}

/** The strip of a frame. `whole` is the last one: its cells keep their places from the beginning. */
export function Strip({ strip, whole }) {
  return html`<div class="strip">
    ${whole.rows.map((row, index) => html`<${Line} key=${index} row=${strip?.rows[index]} whole=${row} />`)}
  </div>`;
}

/** What is said below a strip; a list with nothing in it is not worth a word. */
export function Notes({ notes }) {
  const isTold = ({ values }) => !Object.values(values).length || Object.values(values).some((value) => !Array.isArray(value) || value.length);
  return html`<p class="notes small muted">${notes.filter(isTold).map((note) => html`<span key=${note.key}>${said(note)}</span> `)}</p>`;
}

function Line({ row, whole }) {
  const label = (row ?? whole).label;
  const words = label ? said(label) : "";
  if (whole.type === "bars") return html`<div class="strip-line bars">${words && html`<p class="strip-label">${words}</p>`}<${Bars} bars=${row} whole=${whole} words=${words} /></div>`;
  const cells = row?.cells ?? [];
  const places = Math.max(cells.length, whole.cells.length);
  const isCounted = whole.cells.every(({ name }, index) => name === String(index + 1)); // other names would tell what is to come
  return html`<div class=${`strip-line${row ? "" : " ahead"}`}>
    ${words && html`<p class="strip-label">${words}</p>`}
    <ol class=${`cells${places > MANY ? " many" : ""}`} style=${{ "--places": places }}>
      ${Array.from({ length: places }, (_, index) => html`<${Cell} key=${index} cell=${cells[index]} name=${isCounted ? String(index + 1) : ""} />`)}
    </ol>
  </div>`;
}

function Cell({ cell, name = "" }) {
  if (!cell) return html`<li class="cell ahead"><span class="cell-name">${name}</span><span class="sign"> </span></li>`;
  return html`<li class=${`cell ${cell.kind}`} title=${text(`labpage.kind_${cell.kind}`)}>
    <span class="cell-name">${cell.name === cell.sign ? "" : cell.name}</span><span class="sign" aria-hidden="true">${cell.sign}</span><span class="unseen">${text(`labpage.kind_${cell.kind}`)}</span>
  </li>`;
}

// The scale is that of the whole run: a bar that grows does not shrink the others.
function Bars({ bars, whole, words }) {
  const most = whole.top ?? Math.max(1, whole.limit ?? 0, ...whole.values);
  const count = whole.values.length;
  const width = BAR_WIDTH / Math.max(1, count);
  const y = (value) => BAR_HEIGHT - (value / most) * BAR_HEIGHT;
  const at = (index) => say.number(whole.start + index * whole.step);
  const peak = Math.max(0, ...(bars?.values ?? []));
  return html`<figure class="bar-chart">
    <svg viewBox=${`0 -4 ${BAR_WIDTH} ${BAR_HEIGHT + 6}`} preserveAspectRatio="none" role="img" aria-label=${text("labpage.bars", { label: words, most: say.number(peak) })}>
      ${(bars?.values ?? []).map((value, index) => value > 0 && html`<rect key=${index} class=${whole.limit !== null && value > whole.limit ? "over" : ""} x=${index * width + width * 0.1} y=${y(value)} width=${width * 0.8} height=${BAR_HEIGHT - y(value)} />`)}
      ${whole.limit !== null && html`<path class="limit" d=${`M0 ${y(whole.limit)}H${BAR_WIDTH}`} />`}
      <path class="ground" d=${`M0 ${BAR_HEIGHT}H${BAR_WIDTH}`} />
    </svg>
    <figcaption><span>${at(0)} ${whole.unit}</span><span class="muted">${text("labpage.peak", { n: say.number(peak) })}${whole.limit !== null ? ` · ${text("labpage.limit", { n: say.number(whole.limit) })}` : ""}</span><span>${at(count)} ${whole.unit}</span></figcaption>
  </figure>`;
}
