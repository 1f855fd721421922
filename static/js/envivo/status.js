/**
 * The status that the page is told of the connection: `live.status`. Pure: times come from the caller.
 *
 * @typedef {object} Attempt one try of one transport, or one connection that ended
 * @property {string} transport
 * @property {string} tried_at ISO 8601, UTC
 * @property {"opened" | "stop" | "later" | "failed" | "dropped" | "stalled"} outcome `stop`: not to be
 *   repeated; `later`: the server asked to come back; `failed`: no first message; `dropped` and
 *   `stalled`: after it
 * @property {string} seen what was observed, for people
 * @property {number} took_ms until then, from the try; for an ended connection, how long it was open
 *
 * @typedef {object} Status
 * @property {"connecting" | "connected" | "waiting" | "closed"} state
 * @property {string | null} transport the rung in use: `ws`, `sse`, `poll`
 * @property {Attempt[]} why oldest first, the last 20
 * @property {number | null} rtt round trip, ms
 * @property {string | null} id cursor: the place up to which everything was delivered
 * @property {number} gaps losses of durable messages noticed; 0, but for an honest `reset`
 * @property {number} repeats durable messages that came twice unasked, and were discarded; stays 0
 * @property {number} dropped signals the server had to drop for us
 * @property {string} [retry_at] ISO 8601, UTC; while `waiting`, unless for a first topic
 * @property {number} [code] why, when `closed`: 1000 for `close()`, else the server's 44xx
 */

import { MAX_WHY } from "./limits.js";

/** @param {number} ms since the epoch @returns {string} ISO 8601 */
export function isoTime(ms) {
  return new Date(ms).toISOString();
}

/** The bounded record of what was tried. */
export class Why {
  /** @type {Attempt[]} */
  #records = [];

  /** @returns {Attempt[]} */
  get records() {
    return [...this.#records];
  }

  /** @param {import("./conversation.js").Conversation} conversation */
  opened(conversation) {
    this.#add(conversation, "opened", "the first message came through", conversation.openedAt - conversation.triedAt);
  }

  /**
   * @param {import("./conversation.js").Conversation} conversation
   * @param {import("./endings.js").LinkEnding} end
   * @param {number} now ms
   */
  ended(conversation, end, now) {
    const wasOpen = conversation.openedAt !== null;
    const outcome = wasOpen && end.kind === "failed" ? "dropped" : end.kind;
    const words = end.error ? `${end.seen}: ${end.error.message ?? end.error.code}` : end.seen;
    this.#add(conversation, outcome, words, now - (wasOpen ? conversation.openedAt : conversation.triedAt));
  }

  #add(conversation, outcome, seen, took) {
    const { transport, triedAt } = conversation;
    this.#records.push({ transport, tried_at: isoTime(triedAt), outcome, seen, took_ms: took });
    this.#records.splice(0, this.#records.length - MAX_WHY);
  }
}
