// The doors: who came in by each, the form that opens one, and what is asked before one is closed or somebody invited.

import { render } from "preact";
import { html, Table } from "./list.js";
import { copy } from "../shared/copy.js";
import { onSubmit } from "../shared/form.js";
import { api, text } from "../shared/page.js";

const BEHIND = ["topics", "paths"];
const WORDED = new Set(["door_exists", "port_taken", "port_reserved", "no_such_address", "door_not_found", "own_door", "going_away"]);
const NAMES_SHOWN = 4;

const columns = [
  { id: "door", name: text("admin.door"), sorts: false },
  { id: "address", name: text("admin.door_address"), sorts: false },
  { id: "behind", name: text("admin.door_behind"), sorts: false },
  { id: "came", name: text("admin.door_who"), sorts: false },
  { id: "action", name: html`<span class="unseen">${text("admin.door_close")}</span>`, sorts: false },
];

/** Return why something was refused, in the words of this page where it has some. */
const why = ({ code, message }) => (WORDED.has(code) ? text(`admin.door_why_${code}`) : message);

/** Return `error` with what is wrong, by the name of the field, in the words of this page. */
function inWords(error) {
  const fields = {};
  for (const name of Object.keys(error.fields ?? {})) {
    const field = name.replace(/\[.*/, "");
    fields[field] = WORDED.has(error.code) ? why(error) : text(`admin.door_wrong_${field}`);
  }
  return Object.assign(new Error(why(error)), { fields });
}

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
    const { name, address, access, yours, first } = door;
    const title = html`<span><strong>${name}</strong> <span class="muted">${text(`admin.door_${access}`)}</span>${yours && html` <em class="yours">${text("admin.door_yours")}</em>`}</span>`;
    const action = !first && html`<span class="by">
      ${access === "secure" && html`<button class="button plain" type="button" aria-label=${text("admin.door_token_which", { name })}
        onClick=${() => this.#ask(door, "invite")}>${text("admin.door_token")}</button>`}
      ${!yours && html`<button class="button plain danger" type="button" aria-label=${text("admin.door_close_which", { name })}
        onClick=${() => this.#ask(door, "close")}>${text("admin.door_close")}</button>`}
    </span>`;
    return { key: name, cells: [title, html`<a href=${address}>${address}</a>`, behind(door), came(door), action] };
  }
}

const modal = (dialog) => dialog && !dialog.open && dialog.showModal();

function Closing({ door: { name, connections }, onYes, onNo }) {
  return html`<dialog ref=${modal} class="card question" aria-labelledby="closing-title" onClose=${onNo}>
    <h3 id="closing-title">${text("admin.door_close_ask", { name })}</h3>
    <p>${text("admin.door_close_text", { n: connections })}</p>
    <div class="actions">
      <button class="button primary danger" type="button" autofocus onClick=${onYes}>${text("admin.door_close")}</button>
      <button class="button" type="button" onClick=${onNo}>${text("admin.cancel")}</button>
    </div>
  </dialog>`;
}

/** Draw what makes a token for one person; it is wired once, by hand, as every form of these pages. */
function Invitation({ door: { name }, onNo }) {
  const wire = (form) => {
    if (!form || form.dataset.wired) return;
    form.dataset.wired = "yes";
    const [link, said] = [form.querySelector("code"), form.querySelector("[role=status]")];
    onSubmit(form, async (values) => {
      const body = { user_id: values.user_id.trim(), role: values.role.trim() || "user" };
      const { address } = await api(`/api/doors/${name}/tokens`, { method: "POST", body }).catch((error) =>
        Promise.reject(Object.assign(error, { message: why(error) })),
      );
      link.textContent = address;
      form.querySelector(".invitation").hidden = false;
    });
    form.querySelector("[data-copy]").addEventListener("click", async () => {
      said.textContent = text((await copy(link)) ? "admin.door_copied" : "admin.door_selected");
    });
  };
  return html`<dialog ref=${modal} class="card question" aria-labelledby="invite-title" onClose=${onNo}>
    <h3 id="invite-title">${text("admin.door_token_which", { name })}</h3>
    <p>${text("admin.door_token_text")}</p>
    <form ref=${wire} novalidate>
      ${[["user_id", "door_token_name", ""], ["role", "door_token_role", "user"]].map(([field, label, value]) => html`<div class="field" key=${field}>
        <label for=${`invite-${field}`}>${text(`admin.${label}`)}</label>
        <input id=${`invite-${field}`} name=${field} maxlength="64" autocomplete="off" defaultValue=${value} aria-describedby=${`invite-${field}-wrong`} />
        <span class="wrong" id=${`invite-${field}-wrong`} data-wrong=${field}></span>
      </div>`)}
      <p class="notice bad" data-form-wrong role="alert" hidden></p>
      <p class="actions"><button class="button primary" type="submit">${text("admin.door_token_make")}</button>
        <button class="button" type="button" onClick=${onNo}>${text("admin.done")}</button></p>
      <div class="invitation" hidden>
        <h4>${text("admin.door_token_link")}</h4>
        <p><code></code></p>
        <p><button class="button plain" type="button" data-copy>${text("admin.door_copy")}</button> <span class="small muted" role="status"></span></p>
      </div>
    </form>
  </dialog>`;
}
