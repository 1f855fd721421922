/**
 * The client a page talks to: listeners, sends and their acknowledgements, topics, status. It joins the supervisor,
 * which keeps a connection, to the books of subscription and outbox, and does no I/O itself.
 *
 * @typedef {import("./messages.js").Message} Message
 *
 * @typedef {object} LiveOptions
 * @property {string[]} [topics] more can be subscribed to later
 * @property {string | null} [since] cursor to go on from; `"0"` for everything retained
 * @property {string} [url] address of the server; the page's own by default
 * @property {Record<string, string | number>} [params] `user_id`, `username`, `token`
 * @property {("ws" | "sse" | "poll")[]} [transports] rungs to use, best first
 * @property {Partial<import("./limits.js").Timing>} [timing] intervals to override
 * @property {(attempt: number) => number} [backoff] ms to wait before another try, by the number (from
 *   0) of failures before it; full jitter by default. Where the server names a time, that counts
 *
 * @typedef {object} SendOptions
 * @property {number} [timeout] ms to wait for the acknowledgement; for ever by default
 * @property {AbortSignal} [signal] stops waiting
 */

import { fullJitter } from "./backoff.js";
import { Conversation } from "./conversation.js";
import { NORMAL, TOO_BIG } from "./endings.js";
import { Ladder } from "./ladder.js";
import { IN_FLIGHT, OUTBOX, timingWith } from "./limits.js";
import { Listeners } from "./listeners.js";
import { RungMemory } from "./memory.js";
import { INTERNAL, Keys, checkKey, checkTopic } from "./messages.js";
import { Outbox, SendError } from "./outbox.js";
import { Why, isoTime } from "./status.js";
import { Subscription } from "./subscription.js";
import { Supervisor } from "./supervisor.js";

export class LiveClient {
  #environment;
  #timing;
  #subscription;
  #supervisor;
  #keys = new Keys();
  #outbox = new Outbox(OUTBOX);
  #messages = new Listeners();
  #watchers = new Listeners();
  #why = new Why();
  /** Keys of subscribe messages to their topics. @type {Map<string, string>} */
  #joins = new Map();
  #rtt = null;
  #code = null;
  #counted = "";
  /** The timer that is set while sending rests, after a message did not get through. */
  #rest = null;
  #setbacks = 0;

  /**
   * @param {LiveOptions} options
   * @param {import("./environment.js").Environment} environment
   * @throws {TypeError | RangeError} what is wrong with the options
   */
  constructor(options, environment) {
    const { topics = [], since = null, transports = Object.keys(environment.transports) } = options;
    const base = new URL(options.url ?? environment.origin, environment.origin).href;
    checkTransports(transports, environment);
    this.#environment = environment;
    this.#timing = timingWith(options.timing);
    this.#subscription = new Subscription(topics, since === null ? null : String(since));
    const target = { base, params: options.params ?? {} };
    this.#supervisor = new Supervisor(
      {
        environment,
        timing: this.#timing,
        backoff: options.backoff ?? ((attempt) => this.#backoff(attempt)),
        ladder: new Ladder(transports, this.#timing, environment.random),
        memory: new RungMemory(environment, base, this.#timing.remember),
        subscription: this.#subscription,
        converse: (transport, hooks) => this.#converse(transport, target, hooks),
      },
      this.#supervisorHooks(),
    );
    // The start waits until the caller knows the client and could add its listeners.
    queueMicrotask(() => this.#code === null && this.#supervisor.start());
  }

  /** @returns {import("./status.js").Status} as of now */
  get status() {
    const { state, current, retryAt } = this.#supervisor;
    const { cursor, gaps, repeats, dropped } = this.#subscription;
    const { records: why } = this.#why;
    const transport = current?.transport ?? null;
    const status = { state, transport, why, rtt: this.#rtt, id: cursor, gaps, repeats, dropped };
    if (state === "waiting" && retryAt !== null) status.retry_at = isoTime(retryAt);
    if (state === "closed") status.code = this.#code;
    return status;
  }

  /** @returns {string[]} */
  get topics() {
    return this.#subscription.topics;
  }

  /**
   * @param {string} type of the messages to hear; `"*"` for all of them, `"status"` for changes of
   *   `live.status` (not for each move of the cursor)
   * @param {(told: any) => void} listener
   * @returns {() => void} stops it
   */
  on(type, listener) {
    return (type === "status" ? this.#watchers : this.#messages).add(type, listener);
  }

  /**
   * Follow one more topic. If the server does not have it, an `error` message with this `topic` comes.
   *
   * @param {string} topic
   * @throws {TypeError | RangeError} no topic, or too many
   */
  subscribe(topic) {
    this.#subscription.add(topic);
    this.#reconcileSoon();
  }

  /** @param {string} topic nothing of it is delivered any more */
  unsubscribe(topic) {
    this.#subscription.remove(topic);
    this.#reconcileSoon();
  }

  /**
   * Send a message to a topic. The message is kept, and repeated on the next connection with the same
   * `key`, until the server acknowledges it: it takes effect once, in the order of the calls.
   *
   * @param {string} topic
   * @param {Message} message a `key` of its own is kept
   * @param {SendOptions} [options] giving up leaves open whether the server got it
   * @returns {Promise<Message>} the server's reply; rejected with a SendError (`code` of the server, or
   *   `queue_full`, `timeout`, `too_big`, `closed`), or with the signal's reason
   */
  send(topic, message, { timeout, signal } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#code !== null) throw new SendError("closed", "the connection is closed");
      signal?.throwIfAborted();
      const key = checkKey(message.key ?? this.#keys.next());
      const settled = new AbortController();
      const settle = (act) => (told) => {
        settled.abort();
        act(told);
      };
      const pending = { key, topic: checkTopic(topic), message: { ...message, topic, key } };
      this.#outbox.add({ ...pending, resolve: settle(resolve), reject: settle(reject) });
      this.#limit(key, { timeout, signal, settled: settled.signal });
      this.#drain();
    });
  }

  /**
   * Allow other rungs from now on. A connection on none of them is handed over, without a gap or a repeat.
   *
   * @param {("ws" | "sse" | "poll")[]} transports best first
   * @throws {TypeError} no transport, or none that there is
   */
  use(transports) {
    checkTransports(transports, this.#environment);
    this.#supervisor.use(new Ladder(transports, this.#timing, this.#environment.random));
  }

  /** Leave for good. Sends that wait are rejected with `closed`. */
  close() {
    if (this.#code !== null) return;
    this.#finish(NORMAL);
    this.#supervisor.close();
  }

  // ---- connections ----------------------------------------------------------------------------

  #converse(transport, target, hooks) {
    const request = { ...target, ...this.#subscription.request(transport) };
    const spec = {
      transport,
      open: this.#environment.transports[transport],
      request,
      intake: this.#subscription.intake(request.since),
      timing: this.#timing,
      keys: this.#keys,
      environment: this.#environment,
    };
    return new Conversation(spec, hooks);
  }

  #supervisorHooks() {
    return {
      opened: (conversation) => this.#onOpened(conversation),
      message: (conversation, message) => this.#onMessage(conversation, message),
      unsent: (key, retryAfter) => this.#onUnsent(key, retryAfter),
      rtt: (ms) => {
        this.#rtt = ms;
        this.#tellStatus();
      },
      ended: (conversation, end) => this.#onEnded(conversation, end),
      refused: (topics, end) => {
        for (const topic of topics) this.#tellRefusal(end, { topic });
      },
      stopped: (end) => {
        this.#tellRefusal(end, {});
        this.#finish(end.code);
        this.#tellStatus();
      },
      join: (conversation, topic) => {
        const key = this.#keys.next();
        this.#joins.set(key, topic);
        conversation.send({ type: "subscribe", topic, key }, topic);
      },
      part: (conversation, topic) => conversation.send({ type: "unsubscribe", topic }, topic),
      changed: () => this.#tellStatus(),
    };
  }

  #onOpened(conversation) {
    this.#why.opened(conversation);
    this.#rtt = null;
    this.#joins.clear();
    this.#outbox.rewind();
    this.#setbacks = 0;
    this.#wake();
    // Sends wait for the welcome, which is being delivered: a page may rely on that order.
    queueMicrotask(() => this.#drain());
  }

  #onEnded(conversation, end) {
    this.#why.ended(conversation, end, this.#environment.now());
    if (end.code === TOO_BIG && conversation.openedAt !== null) this.#outbox.rejectLargest();
  }

  #onMessage(conversation, message) {
    const { key } = message;
    if (this.#outbox.has(key) && this.#isToRepeat(message)) {
      return this.#onUnsent(key, message.data.retry_after ?? null);
    }
    if (this.#outbox.has(key)) this.#onReply(message);
    else if (this.#joins.has(key)) {
      message = { ...message, topic: this.#joins.get(key) }; // a refusal does not name it
      this.#onJoined(message);
    }
    // The page did not ask for the answer to a ping of ours.
    else if (message.type === "pong" && this.#keys.owns(key)) return;
    // Further replies to one message are no part of the stream: they are in no books.
    else if (!this.#keys.owns(key) && !this.#subscription.accept(conversation.intake, message)) {
      return this.#tellCounters();
    }
    this.#tell(message);
    this.#tellCounters();
  }

  /** One of the messages that answer a subscribe: the topic's welcome, or a refusal. */
  #onJoined(message) {
    const { current } = this.#supervisor;
    const { topic } = message;
    if (message.type !== "error") this.#subscription.accept(current.intake, message);
    else {
      this.#subscription.remove(topic);
      current.topics.delete(topic);
    }
  }

  #tell(message) {
    // `status` listeners hear of the connection only, whatever the server calls its messages.
    if (message.type !== "*") this.#messages.tell(message.type, message);
    this.#messages.tell("*", message);
  }

  #tellRefusal(end, fields) {
    const data = end.error ?? { code: "refused", message: end.seen };
    this.#tell({ type: "error", timestamp: isoTime(this.#environment.now()), ...fields, data });
  }

  #tellCounters() {
    const { gaps, repeats, dropped } = this.#subscription;
    const counted = `${gaps} ${repeats} ${dropped}`;
    if (counted === this.#counted) return;
    this.#counted = counted;
    this.#tellStatus();
  }

  #tellStatus() {
    this.#watchers.tell("status", this.status);
  }

  #reconcileSoon() {
    queueMicrotask(() => this.#code === null && this.#supervisor.reconcile());
  }

  #finish(code) {
    this.#code = code;
    this.#wake();
    this.#outbox.rejectAll("closed", "the connection was closed");
  }

  // ---- sends ----------------------------------------------------------------------------------

  #drain() {
    const conversation = this.#supervisor.current;
    if (!conversation || this.#rest !== null) return;
    for (const { message, topic } of this.#outbox.take(conversation.duplex ? IN_FLIGHT : 1)) {
      conversation.send(message, topic);
    }
  }

  #onReply(message) {
    this.#setbacks = 0;
    this.#outbox.settle(message);
    this.#drain();
  }

  /** Whether a reply is no news for the page, but a reason to send the same message again later. */
  #isToRepeat({ type, key, data }) {
    if (type !== "error") return false;
    if (data?.code === "busy" || Number.isFinite(data?.retry_after)) return true;
    if (data?.code !== INTERNAL) return false;
    return this.#outbox.failing(key, this.#environment.now()) < this.#timing.repeat;
  }

  /** The message goes out again after a rest, and so do those after it: order is kept. */
  #onUnsent(key, retryAfter) {
    if (!this.#outbox.has(key)) return;
    this.#outbox.putBack(key);
    const delay = this.#backoff(this.#setbacks);
    this.#setbacks += 1;
    this.#wake();
    this.#rest = this.#environment.setTimeout(() => {
      this.#rest = null;
      this.#drain();
    }, retryAfter ?? delay);
  }

  /** @param {number} attempt 0 for the first one @returns {number} ms */
  #backoff(attempt) {
    const { backoffBase: base, backoffCap: cap } = this.#timing;
    return fullJitter(attempt, { base, cap, random: this.#environment.random });
  }

  #wake() {
    this.#environment.clearTimeout(this.#rest);
    this.#rest = null;
  }

  #limit(key, { timeout, signal, settled }) {
    const giveUp = (reason) => {
      this.#outbox.remove(key)?.reject(reason);
      this.#drain();
    };
    signal?.addEventListener("abort", () => giveUp(signal.reason), { signal: settled });
    if (timeout === undefined) return;
    const late = () => giveUp(new SendError("timeout", `no answer within ${timeout} ms`));
    const timer = this.#environment.setTimeout(late, timeout);
    settled.addEventListener("abort", () => this.#environment.clearTimeout(timer), { once: true });
  }
}

function checkTransports(names, environment) {
  for (const name of names) {
    if (!environment.transports[name]) throw new TypeError(`no such transport: ${name}`);
  }
  if (names.length === 0) throw new TypeError("at least one transport is needed");
}
