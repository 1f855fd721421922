// The messages of a topic, newest first: a bounded list that can be paused, filtered and emptied.
// Owns which messages are kept and how they are drawn. Where they come from is not its affair.

import { render } from "preact";
import { html, Json } from "./json.js";
import { seconds, text } from "../shared/page.js";

const KEPT = 200;
const SHOWN = 40;
const WAITING = 200; // kept while paused
const MOST_TYPES = 100; // to choose from
const LONGEST = 4000; // letters of one message
const DRAW_MS = 200; // a busy topic brings more than anybody can read
const NONE = "";

export class Stream {
  #entries = [];
  #waiting = [];
  #missed = 0;
  #types = new Set();
  #type = NONE;
  #paused = false;
  #said = "";
  #number = 0;
  #timer = null;

  /** Draw the stream into `place`; `options` is {kind, replays, onLook(entry)}. */
  constructor(place, options) {
    this.place = place;
    this.options = options;
    place.replaceChildren();
    this.#draw();
  }

  /** Take a message, {message, json, delay, respelled}; false where it is here already. */
  add(entry) {
    if (this.#isHere(entry)) return false;
    entry.number = this.#number += 1;
    if (this.#types.size < MOST_TYPES) this.#types.add(entry.message.type);
    if (this.#paused) {
      this.#missed += 1;
      this.#waiting = [entry, ...this.#waiting.slice(0, WAITING - 1)];
    } else this.#entries = [entry, ...this.#entries.slice(0, KEPT - 1)];
    this.#drawSoon();
    return true;
  }

  /** Tell whether a reconnect has brought a message again: the log's by its position, a state's value by all it says. */
  #isHere({ message, json }) {
    const durable = message.id !== undefined && message.connection_id === undefined;
    if (!durable && this.options.kind !== "state") return false;
    const same = durable ? (other) => other.message.id === message.id : (other) => other.json === json;
    return [...this.#waiting, ...this.#entries].some(same);
  }

  restart(said) {
    this.#said = said;
    this.#entries = this.#waiting = [];
    this.#drawSoon();
  }

  #set(change) {
    change();
    this.#draw();
  }

  #pause = () =>
    this.#set(() => {
      this.#paused = !this.#paused;
      this.#entries = [...this.#waiting, ...this.#entries].slice(0, KEPT);
      this.#waiting = [];
      this.#missed = 0;
    });

  #clear = () =>
    this.#set(() => {
      this.#entries = this.#waiting = [];
      this.#missed = 0;
      this.#said = "";
    });

  #drawSoon() {
    this.#timer ??= setTimeout(() => this.#draw(), DRAW_MS);
  }

  #draw() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const found = this.#entries.filter(({ message }) => this.#type === NONE || message.type === this.#type);
    const nothing = text(this.#entries.length ? "topic.empty_type" : "topic.empty");
    render(
      html`${this.#tools()}
        ${this.#said && html`<p class="notice">${this.#said}</p>`}
        ${found.length === 0 && html`<p class="empty">${nothing}</p>`}
        <ol class="entries">
          ${found.slice(0, SHOWN).map((entry) => html`<${Entry} key=${entry.number} entry=${entry} onLook=${this.options.onLook} />`)}
        </ol>
        ${found.length > SHOWN && html`<p class="small muted">${text("topic.kept", { n: SHOWN })}</p>`}`,
      this.place,
    );
  }

  #tools() {
    const choose = (event) => this.#set(() => (this.#type = event.currentTarget.value));
    return html`<div class="stream-tools">
      <button class="button" type="button" data-do="pause" aria-pressed=${String(this.#paused)} onClick=${this.#pause}>
        ${text(this.#paused ? "topic.go_on" : "topic.pause")}
      </button>
      <button class="button plain" type="button" data-do="clear" onClick=${this.#clear}>${text("topic.clear")}</button>
      <label class="type-filter">${text("topic.kind_filter")}
        <select value=${this.#type} onChange=${choose}>
          <option value=${NONE}>${text("topic.all_types")}</option>
          ${[...this.#types].sort().map((type) => html`<option key=${type} value=${type}>${type}</option>`)}
        </select>
      </label>
      ${this.options.kind === "durable" &&
      html`<a class="replay" href=${this.options.replays ? location.pathname : "?since=0"}>${text(this.options.replays ? "topic.from_now" : "topic.replay")}</a>`}
      <p class="small muted" role="status">${this.#missed > 0 && text("topic.waiting", { n: this.#missed })}</p>
    </div>`;
  }
}

function Entry({ entry, onLook }) {
  const { message, delay } = entry;
  const { type, timestamp, by } = message;
  const { size, shown } = (entry.look ??= looked(entry));
  const more = shown.length > LONGEST ? text("topic.cut", { n: shown.length - LONGEST }) : "";
  return html`<li class="entry" data-type=${type}>
    <p class="entry-head">
      <strong>${type}</strong> <time datetime=${timestamp}>${seconds(timestamp)}</time>
      ${by && html`<bdi data-by=${by.user_id}>${text("topic.by", { name: by.username })}</bdi>`}
      ${delay !== null && html`<span class="number" data-delay>${text("topic.delayed", { ms: Math.round(delay) })}</span>`}
      <span class="number">${text("topic.bytes", { n: size })}</span>
      <button class="linkish" type="button" onClick=${() => onLook(entry)}>${text("topic.look")}</button>
    </p>
    ${shown && html`<${Json} json=${shown.slice(0, LONGEST)} label=${type} more=${more} />`}
  </li>`;
}

/** Return the bytes of an entry, and what is shown below its head: everything that the head does not say. */
function looked({ message, json }) {
  const { type, timestamp, topic, by, data, ...rest } = message;
  const besides = Object.keys(rest).length ? { ...rest, ...(data === undefined ? {} : { data }) } : data;
  return { size: new TextEncoder().encode(json).length, shown: besides === undefined ? "" : JSON.stringify(besides, null, 2) };
}
