// The figures of a topic: rate with its line, delay with the clocks compared, followers, head.
// Owns the counting and the asking every few seconds. What the messages say is not its affair.

import { language, rungName, text } from "../shared/page.js";

const ASK_MS = 3000;
const SECONDS = 60;
const DELAYS = 50; // of which the median is shown
const SAME_MS = 5; // clocks that differ by less, beside half the round trip, agree as far as anybody can tell
const [WIDTH, HEIGHT] = [120, 28];
const NAMED = new Set(["ws", "sse", "poll"]);

export class Pulse {
  /** Bytes of the HTTP headers of an answer like a poll's, null before there was one. */
  headerBytes = null;
  #place;
  #address;
  #head;
  #durable;
  #welcomed = 0;
  #buckets = new Map();
  #delays = [];
  #clock = null; // {ahead, span}: ms that this machine's clock is ahead, measured within so many

  constructor(place, { name, kind }) {
    this.#place = place;
    this.#address = `/api/topics/${name}`;
    this.#durable = kind === "durable";
    this.#head = Number(place.querySelector("[data-figure=head]").textContent) || 0;
  }

  start() {
    setInterval(() => document.hidden || this.#draw(), 1000);
    setInterval(() => document.hidden || this.ask(), ASK_MS);
    this.ask();
  }

  /** Count a message that has just come; returns its delay in ms, null where its time says nothing. */
  count(message) {
    const second = Math.floor(performance.now() / 1000);
    this.#buckets.set(second, (this.#buckets.get(second) ?? 0) + 1);
    if (message.id) this.#sawHead(message.id);
    if (message.type === "connected" || Date.parse(message.timestamp) < this.#welcomed) return null;
    const delay = Math.max(0, Date.now() - Date.parse(message.timestamp) - (this.#clock?.ahead ?? 0));
    this.#delays = [...this.#delays.slice(1 - DELAYS), delay];
    return delay;
  }

  /** Take note that a connection begins, at this time of the server's: what happened before was kept, and says nothing of delay. */
  welcome(timestamp) {
    this.#welcomed = Date.parse(timestamp);
  }

  /** Ask who follows, and on the way what the server's clock says and how many bytes its headers have. */
  async ask() {
    const asked = Date.now();
    const response = await fetch(this.#address, { cache: "no-store" }).catch(() => null);
    const span = Date.now() - asked;
    const answer = response?.ok ? await response.json().catch(() => null) : null;
    if (!answer) return this.#show("followers", null, text("topic.followers_unknown"));
    this.headerBytes = headerBytes(response);
    // The shorter the round trip, the better its middle is known.
    if (!this.#clock || span <= this.#clock.span) {
      this.#clock = { span, ahead: Math.round(asked + span / 2 - Date.parse(answer.timestamp)) };
    } else this.#clock.span += 1; // and clocks drift
    if (answer.data.head) this.#sawHead(answer.data.head);
    this.#showFollowers(answer.data.subscribers);
    return this.#draw();
  }

  #sawHead(id) {
    this.#head = Math.max(this.#head, Number(/-(\d+)/.exec(id)?.[1] ?? 0));
  }

  #showFollowers(subscribers) {
    const some = Object.entries(subscribers).filter(([, n]) => n > 0);
    const all = some.reduce((sum, [, n]) => sum + n, 0);
    const name = (transport) => (NAMED.has(transport) ? rungName(transport) : text("topic.other"));
    this.#show("followers", all, some.map(([transport, n]) => `${n} ${name(transport)}`).join(" · "));
  }

  #show(figure, value, note) {
    if (value !== null) this.#place.querySelector(`[data-figure=${figure}]`).textContent = value;
    if (note !== undefined) this.#place.querySelector(`[data-note=${figure}]`).textContent = note;
  }

  #draw() {
    const now = Math.floor(performance.now() / 1000);
    for (const second of this.#buckets.keys()) if (second <= now - SECONDS) this.#buckets.delete(second);
    // The second that is going on is not whole yet.
    const counts = Array.from({ length: SECONDS }, (_, i) => this.#buckets.get(now - SECONDS + i) ?? 0);
    const lately = counts.slice(-5).reduce((sum, n) => sum + n, 0) / 5;
    this.#show("rate", lately.toLocaleString(language, { maximumFractionDigits: lately < 10 ? 1 : 0 }));
    const [most, all] = [Math.max(...counts), counts.reduce((sum, n) => sum + n, 0)];
    const step = WIDTH / (SECONDS - 1);
    const points = counts.map((n, i) => `${(i * step).toFixed(1)},${(HEIGHT - 2 - (n / (most || 1)) * (HEIGHT - 5)).toFixed(1)}`);
    const spark = this.#place.querySelector("svg");
    spark.querySelector("polyline").setAttribute("points", points.join(" "));
    spark.setAttribute("aria-label", text("topic.rate_line", { n: all, most }));
    if (this.#delays.length) this.#show("delay", `${median(this.#delays)} ms`, this.#clockNote());
    if (this.#durable && this.#head) this.#show("head", this.#head, "");
  }

  #clockNote() {
    if (!this.#clock) return text("topic.delay_unknown");
    const { ahead, span } = this.#clock;
    if (Math.abs(ahead) < SAME_MS + span / 2) return text("topic.delay_same");
    return text(ahead > 0 ? "topic.delay_ahead" : "topic.delay_behind", { ms: Math.abs(ahead) });
  }
}

const median = (values) => Math.round([...values].sort((a, b) => a - b)[values.length >> 1]);

/** Return the bytes of the status line, the headers and the empty line, as HTTP/1.1 has them (RFC 9112 section 2.1). */
function headerBytes(response) {
  let bytes = "HTTP/1.1 200 \r\n".length + 2;
  for (const [name, value] of response.headers) bytes += name.length + value.length + 4;
  return bytes;
}
