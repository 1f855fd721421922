// The list of connections: searched, sorted and paged by the server, asked for again while somebody looks, and the
// button that disconnects one, with its question.

import { render } from "preact";
import { html, Search, Table } from "./list.js";
import { count, milliseconds, span } from "./numbers.js";
import { api, hue, initial, text } from "../shared/page.js";

const PAGE = matchMedia("(max-width: 820px)").matches ? 6 : 12;
const TOPICS_SHOWN = 2, MOST = 1000; // that many first connections of several nodes can be had
const NAMED = new Set(["ws", "sse", "poll", "socketio"]);

const columns = [
  { id: "user", name: text("admin.user") },
  { id: "transport", name: text("admin.transport") },
  { id: "topics", name: text("admin.topics_of"), sorts: false },
  { id: "opened", name: text("admin.opened"), number: true },
  { id: "sent", name: text("admin.sent"), number: true },
  { id: "dropped", name: text("admin.dropped"), hint: text("admin.dropped_told"), number: true },
  { id: "lag", name: text("admin.lag"), hint: text("admin.lag_told"), number: true },
  { id: "rtt", name: text("admin.rtt"), number: true },
  { id: "action", name: html`<span class="unseen">${text("admin.disconnect")}</span>`, sorts: false },
];

export const pill = (transport) =>
  html`<span class=${`pill ${transport}`}>${NAMED.has(transport) ? text(`admin.series_${transport}`) : transport}</span>`;

const topicsOf = (topics) => html`
  ${topics.slice(0, TOPICS_SHOWN).map((topic) => html`<code key=${topic}>${topic}</code> `)}
  ${topics.length > TOPICS_SHOWN && html`<span class="muted" title=${topics.join(", ")}>${text("admin.more_topics", { n: topics.length - TOPICS_SHOWN })}</span>`}`;

const who = (one, mine) => html`<span class="who" title=${one.agent}>
  <span class=${`avatar ${hue(one.user_id)}`} aria-hidden="true">${initial(one.username)}</span>
  <span><strong>${one.username}</strong>${mine && html` <em>${text("admin.you")}</em>`}</span>
</span>`;

export class Connections {
  #state = { q: "", sort: "opened", page: 1, said: "", asked: null };
  #found;
  #busy = false;
  #again = false;

  /** Draw into `place` what the page brought along: `found` {total, connections}. */
  constructor(place, found) {
    this.place = place;
    this.mine = null;
    this.#found = found;
    place.replaceChildren();
    this.draw();
  }

  /** Ask for the list anew; where an answer is awaited already, ask once more after it. */
  async refresh() {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const { q, sort, page } = this.#state;
    try {
      this.#found = await api(`/api/connections?${new URLSearchParams({ q, sort: sorted(sort), page, limit: PAGE })}`);
      this.failed = false;
    } catch {
      this.failed = true;
    }
    this.#busy = false;
    if (!this.#found.connections.length && page > 1) this.#set({ page: Math.max(1, Math.ceil(this.#found.total / PAGE)) });
    this.draw();
    if (this.#again) {
      this.#again = false;
      this.refresh();
    }
  }

  #set(change) {
    Object.assign(this.#state, change);
    this.#again = this.#busy;
    this.draw();
    if (!this.#busy) this.refresh();
  }

  async #disconnect(one) {
    const user = one.username;
    this.#state.asked = null;
    try {
      await api(`/api/connections/${one.handle}`, { method: "DELETE" });
      this.#state.said = text("admin.disconnected", { user });
    } catch (error) {
      this.#state.said = error.code === "connection_not_found" ? text("admin.disconnect_gone", { user }) : error.message;
    }
    this.draw();
    this.refresh();
  }

  draw() {
    const { q, sort, said, asked } = this.#state;
    const nothing = text(q ? "admin.connections_not_found" : "admin.connections_none");
    const table = { label: text("admin.connections"), columns, sort, nothing, rows: this.#found.connections.map((one) => this.#row(one)) };
    render(
      html`<div class="tools">
          <${Search} id="search-connections" label=${text("admin.filter_connections")} hint=${text("admin.filter_connections_hint")}
            value=${q} onSearch=${(words) => this.#set({ q: words, page: 1 })} />
          <p class="small muted" role="status">${said}</p>
          ${this.#pager()}
        </div>
        ${this.failed && html`<p class="notice" role="status">${text("admin.failed")}</p>`}
        <${Table} ...${table} onSort=${(next) => this.#set({ sort: next, page: 1 })} />
        ${asked && html`<${Question} one=${asked} onYes=${() => this.#disconnect(asked)} onNo=${() => { this.#state.asked = null; this.draw(); }} />`}`,
      this.place,
    );
  }

  #row(one) {
    const mine = one.handle === this.mine;
    const age = (Date.now() - Date.parse(one.opened_at)) / 1000;
    const action = html`<button class="button plain danger" type="button" aria-label=${text("admin.disconnect_who", { user: one.username })}
      onClick=${() => { this.#state.asked = one; this.draw(); }}>${text("admin.disconnect")}</button>`;
    const counts = [one.sent, one.dropped, one.lag].map(count);
    const round = milliseconds(one.rtt ?? NaN);
    const cells = [who(one, mine), pill(one.transport), topicsOf(one.topics), span(Math.max(0, age)), ...counts, round, action];
    return { key: one.handle, cells, mine };
  }

  #pager() {
    const { page } = this.#state;
    const { total, connections } = this.#found;
    const first = (page - 1) * PAGE + 1;
    if (total <= PAGE) return html`<p class="small muted number">${total}</p>`;
    return html`<div class="pager">
      <button class="button plain" type="button" disabled=${page === 1} onClick=${() => this.#set({ page: page - 1 })}>${text("admin.page_before")}</button>
      <span class="small number">${text("admin.page", { first, last: first + connections.length - 1, total })}</span>
      <button class="button plain" type="button" disabled=${page * PAGE >= total || (this.several && (page + 1) * PAGE > MOST)} onClick=${() => this.#set({ page: page + 1 })}>${text("admin.page_next")}</button>
    </div>`;
  }
}

/** Return `sort` for the server: "for how long" grows the other way than the time of opening. */
const sorted = (sort) => (sort.endsWith("opened") ? (sort === "opened" ? "-opened" : "opened") : sort);

function Question({ one, onYes, onNo }) {
  const open = (dialog) => dialog && !dialog.open && dialog.showModal();
  return html`<dialog ref=${open} class="card question" aria-labelledby="question-title" onClose=${onNo}>
    <h3 id="question-title">${text("admin.disconnect_ask", { user: one.username })}</h3>
    <p>${text("admin.disconnect_text")}</p>
    <div class="actions">
      <button class="button primary danger" type="button" autofocus onClick=${onYes}>${text("admin.disconnect")}</button>
      <button class="button" type="button" onClick=${onNo}>${text("admin.cancel")}</button>
    </div>
  </dialog>`;
}
