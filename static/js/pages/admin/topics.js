// The list of topics: what there is, of which kind, how far, and who follows, in one answer of the server.

import { render } from "preact";
import { pill } from "./connections.js";
import { html, Search, Table } from "./list.js";
import { api, text } from "../shared/page.js";

const MOST = 1000; // topics in one answer
const SHOWN = 12;
const columns = [
  { id: "topic", name: text("admin.topic") },
  { id: "kind", name: text("admin.kind") },
  { id: "head", name: text("admin.head"), number: true },
  { id: "followers", name: text("admin.followers"), number: true },
];

const position = ({ head }) => (head === null ? null : Number(head.split("-")[1]));
const followers = ({ subscribers }) => Object.values(subscribers).reduce((sum, one) => sum + one, 0);
const READ = { topic: (one) => one.topic, kind: (one) => one.kind, head: (one) => position(one) ?? -1, followers };
const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);

export class Topics {
  #topics = [];
  #state = { q: "", sort: "-followers", shown: SHOWN };
  #busy = false;

  constructor(place) {
    this.place = place;
  }

  async refresh() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      this.#topics = await api(`/api/topics?limit=${MOST}`);
      this.draw();
    } catch {
      // Nothing is said here: the list of connections, loaded at the same time, says that the server does not answer.
    }
    this.#busy = false;
  }

  #set(change) {
    Object.assign(this.#state, change);
    this.draw();
  }

  draw() {
    const { q, sort, shown } = this.#state;
    const read = READ[sort.replace("-", "")];
    const found = this.#topics.filter(({ topic }) => topic.toLowerCase().includes(q.trim().toLowerCase()));
    found.sort((a, b) => compare(read(a), read(b)) * (sort.startsWith("-") ? -1 : 1) || compare(a.topic, b.topic));
    const nothing = text(q ? "admin.topics_not_found" : "admin.topics_none");
    const table = { label: text("admin.topics"), columns, sort, nothing, rows: found.slice(0, shown).map(row) };
    render(
      html`<div class="tools">
          <${Search} id="search-topics" label=${text("admin.filter_topics")} value=${q} onSearch=${(words) => this.#set({ q: words, shown: SHOWN })} />
          <p class="small muted number">${found.length}</p>
        </div>
        <${Table} ...${table} onSort=${(next) => this.#set({ sort: next })} />
        ${found.length > shown && html`<p class="more"><button class="button plain" type="button" onClick=${() => this.#set({ shown: shown * 4 })}>
          ${text("admin.topics_more", { n: found.length - shown })}</button></p>`}`,
      this.place,
    );
  }
}

function row(one) {
  const by = Object.entries(one.subscribers).filter(([, n]) => n > 0);
  const cells = [
    html`<a href=${`/topics/${one.topic}`}><code>${one.topic}</code></a>`,
    html`<span class=${`kind ${one.kind}`}>${text(`admin.kind_${one.kind}`)}</span>`,
    position(one) ?? "–",
    by.length ? html`<span class="by">${by.map(([transport, n]) => html`<span key=${transport}>${pill(transport)} ${n}</span>`)}</span>` : "0",
  ];
  return { key: one.topic, cells };
}
