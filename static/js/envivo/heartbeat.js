/**
 * Deadlines of a silent connection. The server speaks at least every `interval`; two intervals of
 * silence mean that the connection, or something that buffers it, is dead. Pure: the clock comes
 * from the caller, which owns the timer.
 */

import { LATE_TIMER, MISSED_HEARTBEATS, SLACK_MAX, SLACK_SHARE } from "./limits.js";

export class HeartbeatDeadline {
  #interval;
  #last;
  #excused;

  /**
   * @param {number} interval ms between two heartbeats of the server
   * @param {number} now ms
   */
  constructor(interval, now) {
    this.#interval = interval;
    this.#last = now;
    this.#excused = now;
  }

  /** Any message is a sign of life. @param {number} now ms */
  seen(now) {
    this.#last = now;
  }

  /** @returns {number} time (ms) at which two heartbeats are missed, with some slack for the way */
  get deadline() {
    const slack = Math.min(this.#interval * SLACK_SHARE, SLACK_MAX);
    return Math.max(this.#last, this.#excused) + MISSED_HEARTBEATS * this.#interval + slack;
  }

  /** Count silence from now on only, because we were away. @param {number} now ms */
  excuse(now) {
    this.#excused = now;
  }

  /**
   * @param {number} now ms; the time at which the timer set for `deadline` fired
   * @returns {"alive" | "stalled" | "slept"} `slept`: the timer itself came far too late, so it was
   *   we who were away (suspended computer, frozen tab) and the silence proves nothing
   */
  check(now) {
    if (now < this.deadline) return "alive";
    return now - this.deadline > LATE_TIMER ? "slept" : "stalled";
  }

  /** @param {number} since ms @returns {boolean} */
  heardSince(since) {
    return this.#last >= since;
  }

  /** @param {number} now ms @returns {boolean} one heartbeat is clearly overdue */
  isOverdue(now) {
    return now - this.#last > this.#interval * (1 + SLACK_SHARE);
  }
}
