// The list of nodes, where there are several: how each is doing, what it does for all, and which do not answer.

import { render } from "preact";
import { html, Table } from "./list.js";
import { count, span } from "./numbers.js";
import { api, text } from "../shared/page.js";

const columns = [
  { id: "node", name: text("admin.node"), sorts: false },
  { id: "backplane", name: text("admin.node_backplane"), sorts: false },
  { id: "since", name: text("admin.node_since"), number: true, sorts: false },
  { id: "open", name: text("admin.connections"), number: true, sorts: false },
  { id: "relay", name: text("admin.node_lag"), hint: text("admin.node_lag_told"), number: true, sorts: false },
  { id: "leads", name: text("admin.node_leads"), sorts: false },
];

const total = (amounts) => Object.values(amounts).reduce((sum, one) => sum + one, 0);

function work(name) {
  if (name === "retention") return text("admin.node_retention");
  if (name.startsWith("feed ")) return text("admin.node_feed", { topic: name.slice(5) });
  return name.startsWith("on ") ? text("admin.node_reaction", { name: name.slice(3) }) : name;
}

const leads = (names) =>
  names.length ? html`<span class="noted">${names.map(work).join(", ")}</span>` : html`<span class="muted">${text("admin.node_leads_nothing")}</span>`;

const state = ({ away }) =>
  away === null
    ? html`<span class="verdict done">${text("admin.node_up")}</span>`
    : html`<span class="verdict refused">${text("admin.node_away", { time: span(away) })}</span>`;

function row(node) {
  const name = html`<span class="who"><span><strong>${node.name}</strong>${node.yours && html` <em>${text("admin.node_yours")}</em>`}</span></span>`;
  if (!node.answers) return { key: node.name, cells: [name, html`<span class="verdict refused">${text("admin.node_silent")}</span>`, "–", "–", "–", "–"] };
  const age = Math.max(0, (Date.now() - Date.parse(node.since)) / 1000);
  return { key: node.name, mine: node.yours, cells: [name, state(node), span(age), count(total(node.connections)), count(node.relay_lag), leads(node.leads)] };
}

export class Nodes {
  #nodes;
  #busy = false;

  /** Draw into `place`, which is null where one process is alone, the `nodes` that the page brought along. */
  constructor(place, nodes) {
    this.place = place;
    this.#nodes = nodes;
    place?.replaceChildren();
    this.draw();
  }

  /** Whether there are others than the one that shows the page. */
  get several() {
    return this.#nodes.length > 1;
  }

  async refresh() {
    if (!this.place || this.#busy) return;
    this.#busy = true;
    try {
      this.#nodes = await api("/api/nodes");
      this.draw();
    } catch {
      // The list of connections, loaded at the same time, says that the server does not answer.
    }
    this.#busy = false;
  }

  draw() {
    if (!this.place) return;
    const silent = this.#nodes.filter(({ answers }) => !answers).map(({ name }) => name);
    render(
      html`<div role="status">${silent.length > 0 && html`<p class="notice">${text("admin.nodes_silent", { names: silent.join(", ") })}</p>`}</div>
        <${Table} label=${text("admin.nodes")} columns=${columns} rows=${this.#nodes.map(row)} sort="" />`,
      this.place,
    );
  }
}
