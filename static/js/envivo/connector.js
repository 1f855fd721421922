/**
 * The connector keeps one good connection: it walks the ladder, waits, probes better rungs, and hands over from one
 * connection to the next. It does the I/O for ladder, back-off and subscription, which decide. It knows nothing of
 * messages beyond what opens and ends a connection.
 *
 * @typedef {import("./link.js").Link} Link
 * @typedef {import("./codes.js").Ending} Ending
 *
 * @typedef {object} Plan everything a connector works with
 * @property {import("./environment.js").Environment} environment
 * @property {import("./limits.js").Timing} timing
 * @property {(attempt: number) => number} backoff ms to wait, by the failures (0 or more) before
 * @property {import("./ladder.js").Ladder} ladder
 * @property {import("./memory.js").RungMemory} memory
 * @property {import("./subscription.js").Subscription} subscription
 * @property {(transport: string, hooks: import("./link.js").LinkHooks) => Link} createLink
 *
 * @typedef {object} ConnectorHooks
 * @property {(link: Link) => void} opened another connection is the current one from now on
 * @property {(link: Link, message: object) => void} message
 * @property {(key: string, retryAfter: number | null) => void} unsent
 * @property {(ms: number) => void} rtt
 * @property {(link: Link, end: Ending) => void} ended one connection, tried or current, is over
 * @property {(topics: string[], end: Ending) => void} refused the server will not have these topics
 * @property {(end: Ending) => void} stopped the server will not have us: nothing is tried any more
 * @property {(link: Link, topic: string) => void} join a topic is to be added to it in place
 * @property {(link: Link, topic: string) => void} part a topic is to be taken from it in place
 * @property {() => void} changed state or transport
 */

import { planRetry, retryTime } from "./backoff.js";
import { MAX_HELD } from "./limits.js";

export class Connector {
  #plan;
  #hooks;
  /** @type {"connecting" | "connected" | "waiting" | "closed"} */
  #state = "connecting";
  /** The connection in use. @type {Link | null} */
  #current = null;
  /** The one being tried, to become the current one. @type {Link | null} */
  #trial = null;
  /** The messages of the trial since its first one, while the current connection goes on beside it. */
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

  /** @param {Plan} plan @param {ConnectorHooks} hooks */
  constructor(plan, hooks) {
    this.#plan = plan;
    this.#hooks = hooks;
  }

  /** @returns {"connecting" | "connected" | "waiting" | "closed"} */
  get state() {
    return this.#state;
  }

  /** @returns {Link | null} */
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
    this.#dropTrial();
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
    else if (!this.#trial && !this.#retry) this.#climb();
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
    this.#trial = this.#plan.createLink(name, {
      opened: (link) => (this.#current ? this.#hold(link) : this.#takeOver(link)),
      message: (link, message) => this.#whenInUse(link, () => this.#hooks.message(link, message)),
      cursor: (link, id) => this.#whenInUse(link, () => this.#plan.subscription.advance(id)),
      unsent: (key, retryAfter) => this.#hooks.unsent(key, retryAfter),
      rtt: (link, ms) => this.#whenInUse(link, () => this.#hooks.rtt(ms)),
      ended: (link, end) => this.#onEnded(link, end),
    });
    this.#trial.start();
  }

  /** The current connection goes on for a moment: signals that are on their way come by it alone. */
  #hold(link) {
    const { environment, timing } = this.#plan;
    this.#held = [];
    this.#timers.overlap = environment.setTimeout(() => this.#takeOver(link), timing.overlap);
  }

  #whenInUse(link, act) {
    if (link !== this.#trial || this.#held === null) return act();
    this.#held.push(act);
    if (this.#held.length >= MAX_HELD) this.#takeOver(link);
  }

  #takeOver(link) {
    const { environment, ladder, memory, subscription } = this.#plan;
    const previous = this.#current;
    const held = this.#held ?? [];
    environment.clearTimeout(this.#timers.overlap);
    this.#current = link;
    this.#trial = this.#held = null;
    this.#isRenewalDue = false;
    this.#askedToWait = null;
    previous?.leave();
    subscription.takeOver(link.intake, link.topics);
    ladder.opened(link.transport, environment.now());
    memory.keep(ladder.memory);
    this.#hooks.opened(link);
    this.#set("connected");
    this.#armProbe();
    for (const act of held) if (this.#current === link) act();
    queueMicrotask(() => this.reconcile());
  }

  #dropTrial() {
    this.#trial?.drop();
    this.#endTrial();
  }

  #endTrial() {
    this.#plan.environment.clearTimeout(this.#timers.overlap);
    this.#plan.subscription.endOverlap();
    this.#trial = this.#held = null;
  }

  #onEnded(link, end) {
    this.#hooks.ended(link, end);
    if (link === this.#trial) {
      this.#endTrial();
      if (this.#current) this.#onSideTrialEnded(link, end);
      else this.#onTrialEnded(link, end);
    } else if (link === this.#current) {
      this.#current = null;
      this.#onCurrentEnded(link, end);
    }
  }

  #onTrialEnded(link, end) {
    if (end.kind === "stop") this.#onRefused(end);
    else if (end.kind === "later") this.#wait(end.retryAfter);
    else {
      if (end.retryAfter !== null) this.#askedToWait = Math.max(this.#askedToWait ?? 0, end.retryAfter);
      this.#plan.ladder.failed(link.transport);
      this.#climb();
    }
  }

  #onCurrentEnded(link, end) {
    const { environment, timing } = this.#plan;
    const lived = environment.now() - link.openedAt;
    if (lived >= timing.earlyDeath) this.#attempts = 0;
    if (end.kind === "stop") this.#onRefused(end);
    else if (this.#held !== null) {
      this.#blame(link.transport, end, lived);
      this.#takeOver(this.#trial);
    } else if (end.kind === "later") {
      this.#dropTrial();
      this.#wait(end.retryAfter);
    } else {
      const isRungLeft = this.#blame(link.transport, end, lived);
      // A better rung is being tried already, and that trial goes on as the way back.
      if (this.#trial) this.#set("connecting");
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
   * Go on after a failed trial beside a working connection: of a better rung, the same one, or one for a rung given up.
   */
  #onSideTrialEnded(link, end) {
    const { environment, ladder } = this.#plan;
    const isProbe = link.transport !== this.#current.transport && ladder.has(this.#current.transport);
    if (isProbe) {
      ladder.probeFailed(link.transport, environment.now());
    } else if (end.kind !== "stop" || !this.#giveUpFresh(end)) {
      // The reason to renew the connection cannot wait for ever: begin again, as after any lost connection.
      this.#current.drop();
      this.#current = null;
      this.#onTrialEnded(link, end);
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

  #amend(link, topics) {
    const missing = [...topics].filter((topic) => !link.topics.has(topic));
    const surplus = [...link.topics].filter((topic) => !topics.has(topic));
    if (link.duplex) {
      for (const topic of missing) this.#hooks.join(link, topic);
      for (const topic of surplus) this.#hooks.part(link, topic);
      link.topics = topics;
    } else if (missing.length + surplus.length > 0 || this.#isRenewalDue) {
      // A trial under way comes first; its end brings us back here.
      if (this.#trial) return;
      this.#open(link.transport);
    }
    this.#isRenewalDue = false;
  }

  #idle() {
    this.#disconnect();
    this.#set("waiting");
  }

  #disconnect() {
    const { clearTimeout } = this.#plan.environment;
    this.#dropTrial();
    this.#current?.leave();
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
    if (this.#current && !this.#trial && !this.#plan.environment.isHidden()) this.#open(name);
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
