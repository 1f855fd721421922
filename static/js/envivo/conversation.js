/**
 * The conversation over one link, from the try to open it to its end: the deadline of its first message, its
 * heartbeats, its round trip. It ends exactly once, and knows neither why it was begun nor what follows it.
 * (In the Python client, `opener.py` is the part of it before the first message.)
 *
 * @typedef {import("./messages.js").Message} Message
 * @typedef {import("./endings.js").LinkEnding} LinkEnding
 *
 * @typedef {object} ConversationSpec
 * @property {string} transport name of the rung
 * @property {import("./transports/websocket.js").Open} open
 * @property {import("./transports/address.js").StreamRequest} request
 * @property {import("./subscription.js").Intake} intake books of what it brings
 * @property {import("./limits.js").Timing} timing
 * @property {import("./messages.js").Keys} keys
 * @property {import("./environment.js").Environment} environment
 *
 * @typedef {object} ConversationHooks
 * @property {(conversation: Conversation, welcome: Message) => void} opened its first message came through
 * @property {(conversation: Conversation, message: Message) => void} message every one, the first too
 * @property {(conversation: Conversation, id: string) => void} cursor
 * @property {(key: string, retryAfter: number | null) => void} unsent
 * @property {(conversation: Conversation, ms: number) => void} rtt
 * @property {(conversation: Conversation, end: LinkEnding) => void} ended by itself; never after `close`
 */

import { endingOfBye, endingOfRefusal, failed } from "./endings.js";
import { HeartbeatDeadline } from "./heartbeat.js";
import { FIRST_MEASURE, HEARTBEAT, MEASURE_GROWTH } from "./limits.js";
import { isWelcome } from "./messages.js";

export class Conversation {
  #spec;
  #hooks;
  /** @type {import("./transports/websocket.js").Link | null} */
  #link = null;
  /** @type {"new" | "trying" | "open" | "ended"} */
  #state = "new";
  #connectionId = null;
  /** @type {HeartbeatDeadline | null} */
  #heartbeat = null;
  #ping = null;
  #measureAfter = FIRST_MEASURE / MEASURE_GROWTH;
  #refusal = null;
  #timers = { deadline: null, ping: null, pong: null };

  /** @param {ConversationSpec} spec @param {ConversationHooks} hooks */
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
    return this.#link?.duplex ?? false;
  }

  start() {
    const { environment, open, request, timing, transport } = this.#spec;
    this.#state = "trying";
    const limit = timing.open[transport];
    this.#timers.deadline = environment.setTimeout(() => {
      this.#finish(failed(`no first message within ${limit} ms`));
    }, limit);
    try {
      this.#link = open(request, this.#handlers(), timing);
      this.topics = new Set(this.#link.topics);
    } catch (error) {
      // The browser lacks this transport, or a policy (CSP) forbids it.
      queueMicrotask(() => this.#finish(failed(String(error))));
    }
  }

  /** @param {object} message @param {string} topic */
  send(message, topic) {
    this.#link.send(message, topic, this.#connectionId);
  }

  /** @param {{orderly: boolean}} how `orderly`: with a goodbye, because its user is gone or speaks elsewhere */
  close({ orderly }) {
    if (this.#state === "ended") return;
    this.#state = "ended";
    for (const timer of Object.values(this.#timers)) this.#spec.environment.clearTimeout(timer);
    this.#link?.close({ orderly, connectionId: this.#connectionId });
  }

  /** Find out soon whether the connection still lives: the computer woke up, or its network changed. */
  checkAlive() {
    if (this.#state !== "open") return;
    const now = this.#spec.environment.now();
    if (this.duplex) this.#expectPong();
    else if (this.#link.heartbeats && this.#heartbeat.isOverdue(now)) {
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
    this.#heartbeat = new HeartbeatDeadline(interval, this.openedAt);
    environment.clearTimeout(this.#timers.deadline);
    if (this.#link.heartbeats) this.#watch();
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
    this.close({ orderly: false });
    this.#hooks.ended(this, this.#refusal ? endingOfRefusal(end, this.#refusal) : end);
  }
}
