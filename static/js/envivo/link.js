/**
 * One connection, from being tried to its end: the deadline of its first message, its heartbeats,
 * its round trip. A link ends exactly once. It does not know why it was opened nor what comes after
 * it.
 *
 * @typedef {import("./messages.js").Message} Message
 * @typedef {import("./codes.js").Ending} Ending
 *
 * @typedef {object} LinkSpec
 * @property {string} transport name of the rung
 * @property {import("./transports/websocket.js").Open} open
 * @property {import("./transports/address.js").StreamRequest} request
 * @property {import("./subscription.js").Intake} intake books of what it brings
 * @property {import("./limits.js").Timing} timing
 * @property {import("./messages.js").Keys} keys
 * @property {import("./environment.js").Environment} environment
 *
 * @typedef {object} LinkHooks
 * @property {(link: Link, welcome: Message) => void} opened its first message came through
 * @property {(link: Link, message: Message) => void} message every one, the first too
 * @property {(link: Link, id: string) => void} cursor
 * @property {(key: string, retryAfter: number | null) => void} unsent
 * @property {(link: Link, ms: number) => void} rtt
 * @property {(link: Link, end: Ending) => void} ended by itself; never after `leave` or `drop`
 */

import { endingOfBye, failed } from "./codes.js";
import { Heartbeat } from "./heartbeat.js";
import { FIRST_MEASURE, HEARTBEAT, MEASURE_GROWTH } from "./limits.js";
import { isWelcome } from "./messages.js";

export class Link {
  #spec;
  #hooks;
  /** @type {import("./transports/websocket.js").Connection | null} */
  #connection = null;
  /** @type {"new" | "trying" | "open" | "ended"} */
  #state = "new";
  #connectionId = null;
  /** @type {Heartbeat | null} */
  #heartbeat = null;
  #ping = null;
  #measureAfter = FIRST_MEASURE / MEASURE_GROWTH;
  #refusal = null;
  #timers = { deadline: null, ping: null, pong: null };

  /** @param {LinkSpec} spec @param {LinkHooks} hooks */
  constructor(spec, hooks) {
    this.#spec = spec;
    this.#hooks = hooks;
    this.triedAt = spec.environment.now();
    /** @type {number | null} time (ms) of the first message */
    this.openedAt = null;
    /** @type {Set<string>} what it is to bring; kept up to date by whoever changes it */
    this.topics = new Set(spec.request.topics);
  }

  get transport() {
    return this.#spec.transport;
  }

  get intake() {
    return this.#spec.intake;
  }

  get duplex() {
    return this.#connection?.duplex ?? false;
  }

  start() {
    const { environment, open, request, timing, transport } = this.#spec;
    this.#state = "trying";
    const limit = timing.open[transport];
    this.#timers.deadline = environment.setTimeout(() => {
      this.#finish(failed(`no first message within ${limit} ms`));
    }, limit);
    try {
      this.#connection = open(request, this.#handlers(), timing);
      this.topics = new Set(this.#connection.topics);
    } catch (error) {
      // The browser lacks this transport, or a policy (CSP) forbids it.
      queueMicrotask(() => this.#finish(failed(String(error))));
    }
  }

  /** @param {object} message @param {string} topic */
  send(message, topic) {
    this.#connection.send(message, topic, this.#connectionId);
  }

  /** End the connection in an orderly way: its user is gone, or speaks elsewhere. */
  leave() {
    this.#close(() => this.#connection?.leave(this.#connectionId));
  }

  /** End the connection without a goodbye. */
  drop() {
    this.#close(() => this.#connection?.drop());
  }

  /** Find out soon whether the connection still lives: the computer woke up, or its network changed. */
  checkAlive() {
    if (this.#state !== "open") return;
    const now = this.#spec.environment.now();
    if (this.duplex) this.#expectPong();
    else if (this.#connection.heartbeats && this.#heartbeat.isOverdue(now)) {
      this.#finish(failed("a heartbeat overdue"));
    }
  }

  /** Measure the round trip now, and again at every interval while the page is seen. */
  measure() {
    const { environment, keys, timing } = this.#spec;
    environment.clearTimeout(this.#timers.ping);
    if (this.#state !== "open") return;
    // The first round trip competes with the page that is still loading: soon again, then less often.
    this.#measureAfter = Math.min(timing.ping, this.#measureAfter * MEASURE_GROWTH);
    this.#timers.ping = environment.setTimeout(() => this.measure(), this.#measureAfter);
    const [topic] = this.topics;
    if (environment.isHidden() || topic === undefined) return;
    this.#ping = { key: keys.next(), at: environment.now() };
    this.send({ type: "ping", key: this.#ping.key }, topic);
  }

  #handlers() {
    const whileAlive = (act) => (...told) => this.#state !== "ended" && act(...told);
    return {
      message: whileAlive((message) => this.#receive(message)),
      reply: whileAlive((message) => this.#deliver(message)),
      cursor: whileAlive((id) => this.#hooks.cursor(this, id)),
      unsent: whileAlive((key, retryAfter) => this.#hooks.unsent(key, retryAfter)),
      end: whileAlive((end) => this.#finish(end)),
    };
  }

  #receive(message) {
    this.#heartbeat?.seen(this.#spec.environment.now());
    if (this.#state === "trying") {
      if (isWelcome(message)) this.#open(message);
      else if (message.type === "error") this.#refusal = message.data ?? null;
    }
    if (this.#state === "open") this.#deliver(message);
    if (message.type === "bye" && message.topic === undefined) this.#finish(endingOfBye(message.data?.retry_after ?? null));
  }

  #open(welcome) {
    const { environment } = this.#spec;
    const interval = welcome.heartbeat > 0 ? welcome.heartbeat * 1000 : HEARTBEAT;
    this.#state = "open";
    this.openedAt = environment.now();
    this.#connectionId = welcome.connection_id;
    this.#heartbeat = new Heartbeat(interval, this.openedAt);
    environment.clearTimeout(this.#timers.deadline);
    if (this.#connection.heartbeats) this.#watch();
    this.#hooks.opened(this, welcome);
    this.measure();
  }

  #deliver(message) {
    if (message.key !== undefined && message.key === this.#ping?.key) {
      this.#hooks.rtt(this, this.#spec.environment.now() - this.#ping.at);
      this.#ping = null;
    }
    this.#hooks.message(this, message);
  }

  #watch() {
    const { environment } = this.#spec;
    const wait = Math.max(0, this.#heartbeat.deadline - environment.now());
    this.#timers.deadline = environment.setTimeout(() => {
      const now = environment.now();
      const verdict = this.#heartbeat.check(now);
      if (verdict === "stalled") {
        this.#finish(failed("two heartbeats missed", { kind: "stalled" }));
        return;
      }
      if (verdict === "slept") {
        this.checkAlive();
        this.#heartbeat.excuse(now);
      }
      if (this.#state === "open") this.#watch();
    }, wait);
  }

  #expectPong() {
    const { environment, keys, timing } = this.#spec;
    if (this.#timers.pong !== null) return;
    const [topic] = this.topics;
    const asked = environment.now();
    this.send({ type: "ping", key: keys.next() }, topic);
    this.#timers.pong = environment.setTimeout(() => {
      this.#timers.pong = null;
      if (!this.#heartbeat.heardSince(asked)) this.#finish(failed("no answer to a ping"));
    }, timing.liveness);
  }

  #finish(end) {
    if (this.#state === "ended") return;
    this.#close(() => this.#connection?.drop());
    this.#hooks.ended(this, this.#refusal ? refusedEnd(end, this.#refusal) : end);
  }

  #close(disconnect) {
    if (this.#state === "ended") return;
    this.#state = "ended";
    for (const timer of Object.values(this.#timers)) this.#spec.environment.clearTimeout(timer);
    disconnect();
  }
}

/** A WebSocket says in an error message what an HTTP answer says in its body and headers. */
function refusedEnd(end, refusal) {
  const asked = refusal.retry_after ?? null;
  if (end.kind !== "failed" || asked === null) return { ...end, error: end.error ?? refusal };
  return { ...end, kind: "later", retryAfter: asked, error: refusal };
}
