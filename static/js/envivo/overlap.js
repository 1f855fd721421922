/**
 * The signals that come by two connections while one replaces the other, each of which is told once. Pure.
 *
 * Signals have no position. Both connections bring the same ones, in the same order and spelled alike (with the time, in
 * ms), so what the old one told since the new one was asked for is known again when the new one brings it.
 *
 * @typedef {import("./messages.js").Message} Message
 */

import { MAX_TOLD } from "./limits.js";
import { SERVER_TYPES } from "./messages.js";

export class Overlap {
  /** How often the old connection told each signal. @type {Map<string, number>} */
  #told = new Map();
  /** Topics and types of which the new connection brought something the old one had not told. @type {Set<string>} */
  #passed = new Set();
  /** Topics of which the new connection told the user how they stand. @type {Set<string>} */
  #welcomed = new Set();
  #hasForgotten = false;

  /** Note a message that the old connection brought. @param {Message} message */
  tell(message) {
    if (!isSignal(message)) return;
    const mark = JSON.stringify(message);
    if (this.#told.size >= MAX_TOLD) {
      this.#told.delete(this.#told.keys().next().value);
      this.#hasForgotten = true;
    }
    this.#told.set(mark, (this.#told.get(mark) ?? 0) + 1);
  }

  /**
   * Note that the new connection told the user how a topic stands: what it brings from now on is not in that, or may be
   * told again without harm.
   *
   * @param {string} topic
   */
  welcomed(topic) {
    this.#welcomed.add(topic);
  }

  /**
   * @param {Message} message of the new connection, which is not taken by this
   * @returns {boolean} whether the old connection told it
   */
  told(message) {
    return this.#told.size > 0 && isSignal(message) && (this.#told.get(JSON.stringify(message)) ?? 0) > 0;
  }

  /**
   * Take a message that the new connection brought.
   *
   * @param {Message} message
   * @returns {boolean} whether the old one told it, so that it is no news
   */
  repeats(message) {
    if (this.#told.size === 0 || !isSignal(message) || this.#welcomed.has(message.topic)) return false;
    const mark = JSON.stringify(message);
    const sort = `${message.topic} ${message.type}`;
    const times = this.#told.get(mark) ?? 0;
    if (times === 0) {
      // This may be a state's earlier value, which the new connection replays: then the newer one, though told before,
      // has to follow it. Signals of a flood, of which some were forgotten, look the same and need no such care.
      if (!this.#hasForgotten) this.#passed.add(sort);
      return false;
    }
    this.#told.set(mark, times - 1);
    return !this.#passed.has(sort);
  }
}

/** @param {Message} message @returns {boolean} an event without a place in the log: a signal, or a state's value */
export function isSignal({ topic, id, key, type }) {
  return topic !== undefined && id === undefined && key === undefined && !SERVER_TYPES.has(type);
}
