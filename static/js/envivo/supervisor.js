/**
 * The supervisor keeps one good connection: it walks the ladder, waits, probes better rungs, and hands over from one
 * connection to the next. It does the I/O for ladder, back-off and subscription, which decide. It knows nothing of
 * messages beyond what opens and ends a connection.
 *
 * @typedef {import("./conversation.js").Conversation} Conversation
 * @typedef {import("./endings.js").LinkEnding} LinkEnding
 *
 * @typedef {object} Plan everything a supervisor works with
 * @property {import("./environment.js").Environment} environment
 * @property {import("./limits.js").Timing} timing
 * @property {(attempt: number) => number} backoff ms to wait, by the failures (0 or more) before
 * @property {import("./ladder.js").Ladder} ladder
 * @property {import("./memory.js").RungMemory} memory
 * @property {import("./subscription.js").Subscription} subscription
 * @property {(transport: string, hooks: import("./conversation.js").ConversationHooks) => Conversation} converse
 *
 * @typedef {object} SupervisorHooks
 * @property {(conversation: Conversation) => void} opened another connection is the current one from now on
 * @property {(conversation: Conversation, message: object) => void} message
 * @property {(key: string, retryAfter: number | null) => void} unsent
 * @property {(ms: number) => void} rtt
 * @property {(conversation: Conversation, end: LinkEnding) => void} ended one connection, tried or current, is over
 * @property {(topics: string[], end: LinkEnding) => void} refused the server will not have these topics
 * @property {(end: LinkEnding) => void} stopped the server will not have us: nothing is tried any more
 * @property {(conversation: Conversation, topic: string) => void} join a topic is to be added to it in place
 * @property {(conversation: Conversation, topic: string) => void} part a topic is to be taken from it in place
 * @property {() => void} changed state or transport
 */

import { planRetry, retryTime } from "./backoff.js";
import { MAX_HELD } from "./limits.js";

export class Supervisor {
  #plan;
  #hooks;
  /** @type {"connecting" | "connected" | "waiting" | "closed"} */
  #state = "connecting";
  /** The connection in use. @type {Conversation | null} */
  #current = null;
  /** The one being tried, to become the current one. @type {Conversation | null} */
  #candidate = null;
  /** What the candidate has brought since its first message, while the current connection goes on beside it. */
  #held = null;
  /** @type {import("./backoff.js").RetryPlan | null} */
  #retry = null;
  #attempts = 0;
  #lastTry = 0;
  /** The longest Retry-After (ms) of the tries since the last wait. @type {number | null} */
  #askedToWait = null;
  #isLeft = false;
  #isRenewalDue = false;
  #timers = { retry: null, probe: null, overlap: null };
  #unwatch = () => {};

  /** @param {Plan} plan @param {SupervisorHooks} hooks */
  constructor(plan, hooks) {
    this.#plan = plan;
    this.#hooks = hooks;
  }

  /** @returns {"connecting" | "connected" | "waiting" | "closed"} */
  get state() {
    return this.#state;
  }

  /** @returns {Conversation | null} */
  get current() {
    return this.#current;
  }

  /** @returns {number | null} time (ms) of the next try */
  get retryAt() {
    return this.#retry && retryTime(this.#retry, this.#plan.environment.isHidden());
  }

  start() {
    const { environment, ladder, memory } = this.#plan;
    ladder.recall(memory.recall(), environment.now());
    this.#unwatch = environment.watch({
      online: () => this.#onOnline(),
      // Being offline proves nothing, because this very computer may be the server; a ping without an answer does.
      offline: () => this.#current?.checkAlive(),
      shown: () => this.#onShown(),
      hidden: () => this.#schedule(),
      gone: () => {
        this.#isLeft = true;
      },
    });
    this.reconcile();
  }

  /** Leave in an orderly way and stay away. */
  close() {
    this.#disconnect();
    this.#unwatch();
    this.#set("closed");
  }

  /**
   * Go on with the rungs of another ladder. A connection on none of them stays in use until one of them has taken
   * over; one on a lower rung than it has to be probes the better ones at once.
   *
   * @param {import("./ladder.js").Ladder} ladder
   */
  use(ladder) {
    const { environment } = this.#plan;
    if (this.#state === "closed") return;
    this.#plan = { ...this.#plan, ladder };
    this.#dropCandidate();
    this.#retry = this.#askedToWait = null;
    this.#attempts = 0;
    environment.clearTimeout(this.#timers.retry);
    environment.clearTimeout(this.#timers.probe);
    if (this.#current && !ladder.has(this.#current.transport)) this.#open(ladder.next());
    else if (this.#current) {
      ladder.recall({ transport: this.#current.transport, step: 1 }, environment.now());
      ladder.hurry(environment.now());
      this.#armProbe();
    } else this.reconcile();
  }

  /** Bring the connection in line with the topics of the subscription. */
  reconcile() {
    const { topics } = this.#plan.subscription;
    if (this.#state === "closed") return;
    if (topics.length === 0) this.#idle();
    else if (this.#current) this.#amend(this.#current, new Set(topics));
    else if (!this.#candidate && !this.#retry) this.#climb();
  }

  // ---- towards a connection -------------------------------------------------------------------

  #climb() {
    const { ladder } = this.#plan;
    this.#retry = null;
    if (this.#isLeft) return;
    const name = ladder.next();
    if (name !== null) {
      this.#open(name);
      this.#set("connecting");
      return;
    }
    ladder.exhausted();
    this.#wait(this.#askedToWait);
  }

  #open(name) {
    this.#lastTry = this.#plan.environment.now();
    if (this.#current) this.#plan.subscription.beginOverlap();
    this.#candidate = this.#plan.converse(name, {
      opened: (conversation) => (this.#current ? this.#hold(conversation) : this.#takeOver(conversation)),
      message: (conversation, message) =>
        this.#whenInUse(conversation, () => this.#hooks.message(conversation, message), message),
      cursor: (conversation, id) => this.#whenInUse(conversation, () => this.#plan.subscription.advance(id)),
      unsent: (key, retryAfter) => this.#hooks.unsent(key, retryAfter),
      rtt: (conversation, ms) => this.#whenInUse(conversation, () => this.#hooks.rtt(ms)),
      ended: (conversation, end) => this.#onEnded(conversation, end),
    });
    this.#candidate.start();
  }

  /** The current connection goes on for a moment: signals that are on their way come by it alone. */
  #hold(conversation) {
    const { environment, timing } = this.#plan;
    this.#held = [];
    this.#timers.overlap = environment.setTimeout(() => this.#takeOver(conversation), timing.overlap);
  }

  #whenInUse(conversation, act, message = null) {
    if (conversation !== this.#candidate || this.#held === null) return act();
    this.#held.push({ act, message });
    if (this.#held.length >= MAX_HELD) this.#takeOver(conversation);
  }

  #takeOver(conversation) {
    const { environment, ladder, memory, subscription } = this.#plan;
    const previous = this.#current;
    const held = this.#held ?? [];
    environment.clearTimeout(this.#timers.overlap);
    this.#current = conversation;
    this.#candidate = this.#held = null;
    this.#isRenewalDue = false;
    this.#askedToWait = null;
    previous?.close({ orderly: true });
    subscription.takeOver(conversation.intake, conversation.topics, held.flatMap(({ message }) => message ?? []));
    ladder.opened(conversation.transport, environment.now());
    memory.keep(ladder.memory);
    this.#hooks.opened(conversation);
    this.#set("connected");
    this.#armProbe();
    for (const { act } of held) if (this.#current === conversation) act();
    queueMicrotask(() => this.reconcile());
  }

  #dropCandidate() {
    this.#candidate?.close({ orderly: false });
    this.#endCandidate();
  }

  #endCandidate() {
    this.#plan.environment.clearTimeout(this.#timers.overlap);
    this.#plan.subscription.endOverlap();
    this.#candidate = this.#held = null;
  }

  #onEnded(conversation, end) {
    this.#hooks.ended(conversation, end);
    if (conversation === this.#candidate) {
      this.#endCandidate();
      if (this.#current) this.#onSideCandidateEnded(conversation, end);
      else this.#onCandidateEnded(conversation, end);
    } else if (conversation === this.#current) {
      this.#current = null;
      this.#onCurrentEnded(conversation, end);
    }
  }

  #onCandidateEnded(conversation, end) {
    if (end.kind === "stop") this.#onRefused(end);
    else if (end.kind === "later") this.#wait(end.retryAfter);
    else {
      if (end.retryAfter !== null) this.#askedToWait = Math.max(this.#askedToWait ?? 0, end.retryAfter);
      this.#plan.ladder.failed(conversation.transport);
      this.#climb();
    }
  }

  #onCurrentEnded(conversation, end) {
    const { environment, timing } = this.#plan;
    const lived = environment.now() - conversation.openedAt;
    if (lived >= timing.earlyDeath) this.#attempts = 0;
    if (end.kind === "stop") this.#onRefused(end);
    else if (this.#held !== null) {
      this.#blame(conversation.transport, end, lived);
      this.#takeOver(this.#candidate);
    } else if (end.kind === "later") {
      this.#dropCandidate();
      this.#wait(end.retryAfter);
    } else {
      const isRungLeft = this.#blame(conversation.transport, end, lived);
      // A better rung is being tried already, and that try goes on as the way back.
      if (this.#candidate) this.#set("connecting");
      else if (isRungLeft) this.#climb();
      else this.#wait(null);
    }
  }

  #blame(transport, end, lived) {
    const { ladder } = this.#plan;
    if (end.kind === "later") return false;
    if (!ladder.has(transport)) return true;
    if (end.kind !== "stalled") return ladder.dropped(transport, lived);
    ladder.stalled(transport, lived);
    return true;
  }

  /**
   * Go on after a failed candidate beside a working connection: on a better rung, the same one, or one for a rung given
   * up.
   */
  #onSideCandidateEnded(conversation, end) {
    const { environment, ladder } = this.#plan;
    const isProbe = conversation.transport !== this.#current.transport && ladder.has(this.#current.transport);
    if (isProbe) {
      ladder.probeFailed(conversation.transport, environment.now());
    } else if (end.kind !== "stop" || !this.#giveUpFresh(end)) {
      // The reason to renew the connection cannot wait for ever: begin again, as after any lost connection.
      this.#current.close({ orderly: false });
      this.#current = null;
      this.#onCandidateEnded(conversation, end);
      return;
    }
    this.#armProbe();
    this.reconcile();
  }

  #onRefused(end) {
    if (this.#giveUpFresh(end)) {
      this.#climb();
      return;
    }
    this.#disconnect();
    this.#unwatch();
    this.#state = "closed";
    this.#hooks.stopped(end);
  }

  #giveUpFresh(end) {
    const topics = this.#plan.subscription.giveUpFresh();
    if (topics.length > 0) this.#hooks.refused(topics, end);
    return topics.length > 0;
  }

  // ---- topics ---------------------------------------------------------------------------------

  #amend(conversation, topics) {
    const missing = [...topics].filter((topic) => !conversation.topics.has(topic));
    const surplus = [...conversation.topics].filter((topic) => !topics.has(topic));
    if (conversation.duplex) {
      for (const topic of missing) this.#hooks.join(conversation, topic);
      for (const topic of surplus) this.#hooks.part(conversation, topic);
      conversation.topics = topics;
    } else if (missing.length + surplus.length > 0 || this.#isRenewalDue) {
      // A candidate under way comes first; its end brings us back here.
      if (this.#candidate) return;
      this.#open(conversation.transport);
    }
    this.#isRenewalDue = false;
  }

  #idle() {
    this.#disconnect();
    this.#set("waiting");
  }

  #disconnect() {
    const { clearTimeout } = this.#plan.environment;
    this.#dropCandidate();
    this.#current?.close({ orderly: true });
    this.#current = this.#retry = null;
    clearTimeout(this.#timers.retry);
    clearTimeout(this.#timers.probe);
  }

  // ---- waiting --------------------------------------------------------------------------------

  /** @param {number | null} retryAfter ms the server asked for */
  #wait(retryAfter) {
    const { backoff, environment, timing } = this.#plan;
    const asked = retryAfter || null; // no time at all is none
    this.#retry = planRetry({
      now: environment.now(),
      delay: backoff(this.#attempts),
      retryAfter: asked,
      lastTry: this.#lastTry,
      hiddenSpacing: timing.hiddenSpacing,
    });
    // A server that names a time spreads its clients itself, so this counts as no failure of ours.
    this.#attempts = asked === null ? this.#attempts + 1 : 0;
    this.#askedToWait = null;
    this.#schedule();
    this.#set("waiting");
  }

  #schedule() {
    const { environment } = this.#plan;
    environment.clearTimeout(this.#timers.retry);
    if (!this.#retry) return;
    const wait = Math.max(0, this.retryAt - environment.now());
    this.#timers.retry = environment.setTimeout(() => this.#climb(), wait);
  }

  #armProbe() {
    const { environment, ladder } = this.#plan;
    environment.clearTimeout(this.#timers.probe);
    const probe = ladder.nextProbe();
    if (!probe) return;
    const wait = Math.max(0, probe.at - environment.now());
    this.#timers.probe = environment.setTimeout(() => this.#probe(probe.name), wait);
  }

  #probe(name) {
    // An unseen page does without this try; `shown` arms the timer again.
    if (this.#current && !this.#candidate && !this.#plan.environment.isHidden()) this.#open(name);
  }

  // ---- the page -------------------------------------------------------------------------------

  #onOnline() {
    const { environment, ladder } = this.#plan;
    ladder.hurry(environment.now());
    this.#attempts = 0;
    if (this.#retry) {
      const { notBefore } = this.#retry;
      this.#retry = { notBefore, due: notBefore, dueHidden: notBefore };
      this.#schedule();
    }
    this.#armProbe();
    // Nothing tells a quiet stream from one that died with the old network, so renew it.
    this.#isRenewalDue = this.#current !== null && !this.#current.duplex;
    this.#current?.checkAlive();
    this.reconcile();
  }

  #onShown() {
    this.#isLeft = false;
    this.#schedule();
    this.#current?.checkAlive();
    this.#current?.measure();
    this.#armProbe();
    this.reconcile();
  }

  #set(state) {
    this.#state = state;
    this.#hooks.changed();
  }
}
