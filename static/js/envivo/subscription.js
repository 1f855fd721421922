/**
 * The record of what is followed and how far: the topics, the cursor, and the detection of
 * repeats and gaps across connections. Pure. A durable message moves the cursor; the position of
 * each topic's last one tells a repeat, whichever connection brings it.
 *
 * @typedef {import("./messages.js").Message} Message
 * @typedef {import("./messages.js").Cursor} Cursor
 * @typedef {object} Intake what one connection has brought so far
 * @property {Cursor | null} since where it was asked to begin
 * @property {Cursor | null} start where it began
 * @property {Set<string>} met topics it has brought something of
 * @property {Map<string, Cursor>} overlap per topic, what had been brought before it was opened
 * @property {Overlap | null} told the signals that the connection before it told since it was asked for
 * @property {Set<string>} overtaken the topics whose welcome is older than what the connection before it told
 */

import { TOPICS_PER_CONNECTION } from "./limits.js";
import { checkTopic, isPast, isWelcome, parseCursor, plainCursor } from "./messages.js";
import { Overlap } from "./overlap.js";

export class Subscription {
  /** Topic to whether it is fresh: added later and not yet welcomed. @type {Map<string, boolean>} */
  #topics = new Map();
  /** The topics that were left, of which something may still be on its way. @type {Set<string>} */
  #left = new Set();
  /** @type {Map<string, Cursor>} */
  #seen = new Map();
  /** @type {string | null} */
  #cursor;
  /** A poll's cursor at the same place, with its counts of signals. @type {string | null} */
  #counted = null;
  /** The topics that the connection in use was opened with, in order. */
  #covered = "";
  /** The signals that the connection in use told since another was asked for. @type {Overlap | null} */
  #telling = null;
  /** The number of losses of durable messages that were noticed. */
  gaps = 0;
  /** The number of durable messages that came twice without our asking and were discarded. */
  repeats = 0;
  /** The number of signals that the server told us it dropped. */
  dropped = 0;

  /**
   * @param {string[]} topics
   * @param {string | null} since
   * @throws {TypeError | RangeError} bad name, too many
   */
  constructor(topics, since) {
    this.#cursor = since;
    for (const topic of topics) this.add(topic);
    for (const topic of this.#topics.keys()) this.#topics.set(topic, false);
  }

  /** @returns {string[]} */
  get topics() {
    return [...this.#topics.keys()];
  }

  /** @returns {string | null} the cursor to go on from */
  get cursor() {
    return this.#cursor;
  }

  /**
   * @param {string} topic
   * @throws {TypeError} it cannot be a topic
   * @throws {RangeError} there are as many as the server takes
   */
  add(topic) {
    checkTopic(topic);
    if (this.#topics.has(topic)) return;
    if (this.#topics.size >= TOPICS_PER_CONNECTION) throw new RangeError(`at most ${TOPICS_PER_CONNECTION} topics`);
    this.#topics.set(topic, true);
    this.#left.delete(topic);
  }

  /** @param {string} topic */
  remove(topic) {
    if (!this.#topics.delete(topic)) return;
    this.#seen.delete(topic);
    this.#left.add(topic);
  }

  /**
   * Remove the topics that were added lately, because the server refuses a connection and had taken
   * the others before.
   *
   * @returns {string[]} the removed ones; none when there is nothing to give up
   */
  giveUpFresh() {
    const { fresh } = this.request("ws");
    for (const topic of fresh) this.remove(topic);
    return fresh;
  }

  /**
   * @param {string} transport the rung to ask on
   * @returns {{topics: string[], fresh: string[], since: string | null}} what to ask a new
   *   connection for; `fresh` are those `since` does not apply to
   */
  request(transport) {
    const { topics } = this;
    const fresh = topics.filter((topic) => this.#topics.get(topic));
    if (this.#cursor === null || fresh.length === topics.length) return { topics, fresh: [], since: null };
    // The counts of signals in a cursor are valid only for the topics that they were made for. A poll whose cursor has
    // counts is taken for the next one of a connection and gets no welcome, so a new poll leaves them out.
    const isCounted = transport !== "poll" && fresh.length === 0 && listed(topics) === this.#covered;
    return { topics, fresh, since: (isCounted ? this.#counted : null) ?? this.#cursor };
  }

  /** @param {string | null} since @returns {Intake} the books of a connection about to be tried */
  intake(since) {
    const before = { overlap: new Map(), told: null, overtaken: new Set() };
    return { since: parseCursor(since), start: null, met: new Set(), ...before };
  }

  /** Remember what the connection in use tells from now on: another one is asked for, and may tell it too. */
  beginOverlap() {
    this.#telling = new Overlap();
  }

  /** Forget what the connection in use told, because no other one came of it. */
  endOverlap() {
    this.#telling = null;
  }

  /**
   * Make a connection the current one.
   *
   * @param {Intake} intake
   * @param {Iterable<string>} topics the ones it was opened with
   * @param {Message[]} held what it has brought while the other one went on; it is accepted after this
   */
  takeOver(intake, topics, held = []) {
    intake.overlap = new Map(this.#seen);
    intake.told = this.#telling;
    // Cursors on both sides of a `reset` cannot be compared, and after it the page loads everything anew.
    if (!held.some(isReset)) this.#findOvertaken(intake, held);
    this.#telling = this.#counted = null;
    const covered = new Set(topics);
    this.#covered = listed(covered);
    this.#left = new Set([...covered].filter((topic) => !this.#topics.has(topic)));
    if (covered.size === 1) this.#settle([...covered][0]);
  }

  /** Note that everything up to a place was brought. @param {string} id */
  advance(id) {
    const place = parseCursor(id);
    if (!place) return;
    if (isPast(place, parseCursor(this.#cursor))) this.#cursor = plainCursor(id);
    this.#counted = id.includes(".") && plainCursor(id) === this.#cursor ? id : null;
  }

  /**
   * Enter a message in the books.
   *
   * @param {Intake} intake the books of the connection that brought it
   * @param {Message} message
   * @returns {boolean} whether it is to be delivered
   */
  accept(intake, message) {
    if (this.#isStray(message)) return false;
    const isFirst = this.#meet(intake, message);
    const isForUser = this.#enter(intake, message, isFirst);
    if (isFirst && intake.overtaken.has(message.topic)) return false;
    if (isFirst && message.data !== undefined) intake.told?.welcomed(message.topic);
    return isForUser;
  }

  #enter(intake, message, isFirst) {
    if (message.type === "gap") this.dropped += Number(message.data?.dropped) || 0;
    if (isReset(message)) this.#reset(intake, message);
    else if (isWelcome(message) && intake.start === null) this.#welcome(intake, message);
    else if (message.id !== undefined) return this.#place(intake, message, isFirst);
    // A topic's first message is its welcome, which comes by each connection anew.
    else if (!isFirst && intake.told?.repeats(message)) return false;
    else this.#telling?.tell(message);
    return true;
  }

  /** Note the topics of which something in `held` was told already: what their welcomes there hold is older. */
  #findOvertaken({ told, overlap, overtaken }, held) {
    for (const message of held) {
      const { topic, id } = message;
      const isKnown = () => overlap.has(topic) && !isWelcome(message) && !isPast(parseCursor(id), overlap.get(topic));
      if (id === undefined ? told?.told(message) : isKnown()) overtaken.add(topic);
    }
  }

  #isStray(message) {
    if (!this.#left.has(message.topic)) return false;
    if (message.type === "unsubscribed") this.#left.delete(message.topic);
    return message.type !== "unsubscribed" && message.type !== "error";
  }

  /** @param {Intake} intake @param {Message} message @returns {boolean} whether its topic is new here */
  #meet(intake, { type, topic }) {
    if (topic === undefined || type === "error") return false;
    this.#settle(topic);
    const isFirst = !intake.met.has(topic);
    intake.met.add(topic);
    return isFirst;
  }

  #settle(topic) {
    if (this.#topics.has(topic)) this.#topics.set(topic, false);
  }

  #reset(intake, message) {
    // A welcome that began past `since` has been counted as a gap already.
    if (!this.#jumped(intake)) this.gaps += 1;
    intake.since = null;
    this.#seen.clear();
    intake.overlap.clear();
    if (message.id !== undefined) this.#cursor = plainCursor(message.id);
    this.#counted = null;
  }

  #welcome(intake, message) {
    intake.start = parseCursor(message.id);
    // A jump is followed by its `reset`. Until that has come the old cursor stays: should the
    // connection die in between, the next one has to bring the `reset` again.
    if (this.#jumped(intake)) this.gaps += 1;
    else if (intake.start) this.advance(message.id);
  }

  #jumped(intake) {
    return Boolean(intake.since && intake.start && isPast(intake.start, intake.since));
  }

  #place(intake, message, isFirst) {
    const place = parseCursor(message.id);
    if (!place) return true;
    if (message.topic === undefined) {
      this.advance(message.id);
      return true;
    }
    if (isPast(place, this.#seen.get(message.topic))) {
      this.#seen.set(message.topic, place);
      // A topic's first message may be its welcome, valid from a place the other topics have yet to reach.
      if (!isFirst) this.advance(message.id);
      return true;
    }
    if (isFirst && !isPast(place, intake.start)) return true;
    if (isPast(place, intake.overlap.get(message.topic))) this.repeats += 1;
    return false;
  }
}

/** @param {Message} message @returns {boolean} whether our cursor cannot be honoured */
function isReset({ type, topic }) {
  return type === "reset" && topic === undefined;
}

/** @param {Iterable<string>} topics @returns {string} the same for the same topics */
function listed(topics) {
  return [...topics].sort().join();
}
