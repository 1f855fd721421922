// A table that can be sorted by its heads and searched, as cards on a narrow screen. Owns its markup and its words.
// What is in it, in which order, is its caller's affair: it hears of `sort` and `search`, and draws again.

import htm from "htm";
import { createElement } from "preact";
import { text } from "../shared/page.js";

export const html = htm.bind(createElement);

/** Draw a head that sorts: `column` is {id, name, hint?, number?, sorts?}; `sort` is "id", or "-id" for the largest first. */
function Head({ column, sort, onSort }) {
  const { id, name, hint, number, sorts = true } = column;
  const [down, sorted] = [sort === `-${id}`, sort.replace("-", "") === id];
  const order = sorted ? (down ? "descending" : "ascending") : undefined;
  // Numbers are looked for from the largest down.
  const next = sorted ? (down ? id : `-${id}`) : number ? `-${id}` : id;
  return html`<th scope="col" class=${number && "number"} aria-sort=${order} title=${hint}>
    ${sorts
      ? html`<button type="button" onClick=${() => onSort(next)} aria-label=${text("admin.sort", { name })}>
          ${name}<span class="arrow" aria-hidden="true">${sorted ? (down ? "▾" : "▴") : ""}</span>
        </button>`
      : name}
  </th>`;
}

export function Search({ id, label, hint = "", value, onSearch }) {
  return html`<div class="search">
    <label class="unseen" for=${id}>${label}</label>
    <input id=${id} type="search" maxlength="128" autocomplete="off" placeholder=${hint || label} value=${value}
      onInput=${(event) => onSearch(event.currentTarget.value)} />
  </div>`;
}

/** Draw a table of `rows`, [{key, cells, mine?}] with a cell for each of `columns`; `nothing` is said where there are none. */
export function Table({ label, columns, rows, sort, onSort, nothing }) {
  if (!rows.length) return html`<p class="empty">${nothing}</p>`;
  return html`<div class="scroller" tabindex="0" role="region" aria-label=${label}>
    <table>
      <caption class="unseen">${label}</caption>
      <thead>
        <tr>${columns.map((column) => html`<${Head} key=${column.id} column=${column} sort=${sort} onSort=${onSort} />`)}</tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ key, cells, mine }) => html`<tr key=${key} data-key=${key} class=${mine ? "mine" : undefined}>
            ${columns.map(
              ({ id, name, number }, place) =>
                html`<td key=${id} data-column=${id} data-name=${typeof name === "string" ? name : ""} class=${number ? "number" : undefined}>${cells[place]}</td>`,
            )}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
