// The doors: who came in by each, and the form that opens one. What is asked before one is closed, or somebody is invited
// to it, is the affair of its dialogs.

import { render } from "preact";
import { Closing, Invitation } from "./door-dialogs.js";
import { inWords, why } from "./door-words.js";
import { html, Table } from "./list.js";
import { onSubmit } from "../shared/form.js";
import { api, text } from "../shared/page.js";

const BEHIND = ["topics", "paths"];
const NAMES_SHOWN = 4;

const columns = [
  { id: "door", name: text("admin.door"), sorts: false },
  { id: "address", name: text("admin.door_address"), sorts: false },
  { id: "behind", name: text("admin.door_behind"), sorts: false },
  { id: "came", name: text("admin.door_who"), sorts: false },
  { id: "action", name: html`<span class="unseen">${text("admin.door_close")}</span>`, sorts: false },
];

const listed = (words) => words.split(/[\s,]+/).filter(Boolean);

function behind(door) {
  const rules = BEHIND.flatMap((name) => door[name]);
  return html`<span class="noted">${rules.length ? rules.map((rule) => html`<code key=${rule}>${rule}</code> `) : html`<span class="muted">${text("admin.door_all")}</span>`}
    ${door.hosts.length > 0 && html` <span class="muted">${text("admin.door_answers_to", { names: door.hosts.join(", ") })}</span>`}</span>`;
}

function came({ connections, users }) {
  const more = users.length - NAMES_SHOWN;
  return html`<span><span class="number">${connections}</span>
    ${users.length > 0 && html` <span class="muted" title=${users.join(", ")}>${users.slice(0, NAMES_SHOWN).join(", ")}${more > 0 && "…"}</span>`}</span>`;
}

export class Doors {
  #doors;
  #said = "";
  #asked = null;
  #busy = false;

  /** Draw into `place` the `doors` that the page brought along, and wire the `form` that opens one. */
  constructor(place, form, doors) {
    this.place = place;
    this.#doors = doors;
    place.replaceChildren();
    this.draw();
    onSubmit(form, async ({ name, host, port, access, topics, paths, hosts }) => {
      const lists = { topics: listed(topics), paths: listed(paths), hosts: listed(hosts) };
      if (!/^\d{1,5}$/.test(port.trim())) throw Object.assign(new Error(), { fields: { port: text("admin.door_wrong_port") } });
      const body = { name: name.trim(), host: host.trim(), port: Number(port), access, ...lists };
      const door = await api("/api/doors", { method: "POST", body }).catch((error) => Promise.reject(inWords(error)));
      form.reset();
      form.closest("details").open = false;
      this.#say(text("admin.door_opened", door));
      await this.refresh();
    });
  }

  async refresh() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      this.#doors = await api("/api/doors");
      this.draw();
    } catch {
      // It is asked for again at the next look.
    }
    this.#busy = false;
  }

  #say(said) {
    this.#said = said;
    this.#asked = null;
    this.draw();
  }

  async #close(door) {
    try {
      const { connections } = await api(`/api/doors/${door.name}`, { method: "DELETE" });
      this.#say(text("admin.door_closed", { name: door.name, n: connections }));
    } catch (error) {
      this.#say(why(error));
    }
    await this.refresh();
  }

  #ask(door, kind) {
    this.#asked = { door, kind };
    this.draw();
  }

  draw() {
    const no = () => this.#say(this.#said);
    const { door, kind } = this.#asked ?? {};
    render(
      html`<p class="small muted" role="status">${this.#said}</p>
        <${Table} label=${text("admin.doors")} columns=${columns} sort="" rows=${this.#doors.map((one) => this.#row(one))} />
        ${kind === "close" && html`<${Closing} door=${door} onYes=${() => this.#close(door)} onNo=${no} />`}
        ${kind === "invite" && html`<${Invitation} door=${door} onNo=${no} />`}`,
      this.place,
    );
  }

  #row(door) {
    const { name, address, access, yours, first, invites } = door;
    const title = html`<span><strong>${name}</strong> <span class="muted">${text(`admin.door_${access}`)}</span>${yours && html` <em class="yours">${text("admin.door_yours")}</em>`}</span>`;
    const action = !first && html`<span class="by">
      ${invites && html`<button class="button plain" type="button" aria-label=${text("admin.door_token_which", { name })}
        onClick=${() => this.#ask(door, "invite")}>${text("admin.door_token")}</button>`}
      ${!yours && html`<button class="button plain danger" type="button" aria-label=${text("admin.door_close_which", { name })}
        onClick=${() => this.#ask(door, "close")}>${text("admin.door_close")}</button>`}
    </span>`;
    return { key: name, cells: [title, html`<a href=${address}>${address}</a>`, behind(door), came(door), action] };
  }
}
