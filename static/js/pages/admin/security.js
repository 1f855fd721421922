// The last lines of the security log, as the server has them, asked for again when there are more.

import { render } from "preact";
import { html, Table } from "./list.js";
import { api, dayKey, dayName, hue, initial, seconds, text } from "../shared/page.js";

const SHOWN = matchMedia("(max-width: 820px)").matches ? 4 : 8;

const columns = [
  { id: "at", name: text("admin.noted_at"), sorts: false },
  { id: "user", name: text("admin.user"), sorts: false },
  { id: "what", name: text("admin.noted_what"), sorts: false },
  { id: "from", name: text("admin.noted_from"), sorts: false },
  { id: "result", name: text("admin.noted_result"), sorts: false },
];

const when = ({ at }) => html`<time datetime=${at} title=${at}>${seconds(at)}</time>
  ${dayKey(at) !== dayKey(Date.now()) && html` <span class="muted">${dayName(at)}</span>`}`;

/** Draw who it was: the name as text, the id beside it where it is another. */
function who({ event, user_id, username, role }) {
  if (event === "left_out") return "";
  if (!user_id) return html`<span class="muted">${text("admin.noted_nobody")}</span>`;
  return html`<span class="who" title=${role}>
    <span class=${`avatar ${hue(user_id)}`} aria-hidden="true">${initial(username)}</span>
    <span><strong>${username}</strong>${user_id !== username && html` <span class="muted">${user_id}</span>`}</span>
  </span>`;
}

function what({ event, what, object, detail, count }) {
  if (event === "left_out") return text("admin.event_left_out", { n: count });
  return html`<span class="noted">${text(`admin.event_${event}`)} <code>${what}</code>${object && html` <code>${object}</code>`}
    ${detail && html` <span class="muted">${detail}</span>`}</span>`;
}

const from = ({ address, door }) => html`<span><code>${address}</code> <span class="muted">${door}</span></span>`;

function result({ result, reason }) {
  if (result === "done") return html`<span class="verdict done">${text("admin.noted_done")}</span>`;
  return html`<span><span class="verdict refused">${result}</span>${reason && html` <span class="muted reason">${reason}</span>`}</span>`;
}

export class Security {
  #entries;
  #written = null;
  #busy = false;
  #all = false;

  /** Draw into `place` the `entries` that the page brought along, the newest first. */
  constructor(place, entries) {
    this.place = place;
    this.#entries = entries;
    place.replaceChildren();
    this.draw();
  }

  /** Ask for the lines anew where the number of those `written` since the start is another one than before. */
  async refresh(written) {
    if (this.#busy || written === this.#written) return;
    this.#busy = true;
    try {
      this.#entries = await api("/api/security-log");
      this.#written = written;
      this.draw();
    } catch {
      // It is asked for again at the next look.
    }
    this.#busy = false;
  }

  draw() {
    const shown = this.#all ? this.#entries : this.#entries.slice(0, SHOWN);
    const rows = shown.map((one, place) => ({
      key: `${one.at} ${this.#entries.length - place}`,
      cells: [when(one), who(one), what(one), from(one), result(one)],
    }));
    const more = () => {
      this.#all = true;
      this.draw();
    };
    render(
      html`<${Table} label=${text("admin.security")} columns=${columns} rows=${rows} sort="" nothing=${text("admin.noted_none")} />
        ${shown.length < this.#entries.length && html`<p class="more"><button class="button plain" type="button" onClick=${more}>
          ${text("admin.noted_more", { n: this.#entries.length })}</button></p>`}`,
      this.place,
    );
  }
}
