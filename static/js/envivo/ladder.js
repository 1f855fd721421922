/**
 * The choice of the rung to try. This module is pure: clock and dice come from the caller.
 *
 * A rung is demoted only once a lower one came through: while nothing comes through at all it is
 * the server or the network that is away, and no rung is to blame. Better rungs are probed in the
 * background, at growing intervals (hysteresis) that start anew after a rung has proved steady.
 *
 * @typedef {object} Rung
 * @property {string} name
 * @property {number} step demotions and failed probes since it was last steady
 * @property {number | null} probeAt time (ms) of the next background try; null: not demoted
 * @property {number} deaths early deaths in a row
 * @typedef {{transport: string, step: number}} Remembered
 */

import { MAX_STEP } from "./limits.js";

export class Ladder {
  /** @type {Rung[]} */
  #rungs;
  #timing;
  #random;
  #home = 0;
  /** Names that failed since the last rung came through. @type {Set<string>} */
  #failed = new Set();

  /**
   * @param {string[]} names best first
   * @param {import("./limits.js").Timing} timing
   * @param {() => number} [random]
   */
  constructor(names, timing, random = Math.random) {
    this.#rungs = names.map((name) => ({ name, step: 0, probeAt: null, deaths: 0 }));
    this.#timing = timing;
    this.#random = random;
  }

  /**
   * Begin where an earlier page of this session ended up.
   *
   * @param {Remembered | null} remembered
   * @param {number} now ms
   */
  recall(remembered, now) {
    const index = this.#rungs.findIndex((rung) => rung.name === remembered?.transport);
    if (index < 1) return;
    this.#home = index;
    for (const rung of this.#rungs.slice(0, index)) this.#demote(rung, now, remembered.step);
  }

  /** @returns {Remembered | null} what to remember; null at the top, where there is nothing to */
  get memory() {
    if (this.#home === 0) return null;
    return { transport: this.#rungs[this.#home].name, step: this.#rungs[0].step };
  }

  /** @param {string} name */
  has(name) {
    return this.#rungs.some((rung) => rung.name === name);
  }

  /**
   * Return the rung to try, from the one that worked last down, then the better ones.
   *
   * @returns {string | null} null: every rung failed, nothing is reachable
   */
  next() {
    const order = [...this.#rungs.slice(this.#home), ...this.#rungs.slice(0, this.#home)];
    return order.find((rung) => !this.#failed.has(rung.name))?.name ?? null;
  }

  /** Note that the rung did not come through. @param {string} name */
  failed(name) {
    this.#failed.add(name);
  }

  /** Note that nothing is reachable, so that no rung is to blame. */
  exhausted() {
    this.#failed.clear();
    for (const rung of this.#rungs) rung.deaths = 0;
  }

  /** Note that the rung's first message came through. @param {string} name @param {number} now ms */
  opened(name, now) {
    this.#home = this.#rungs.findIndex((rung) => rung.name === name);
    this.#rungs.forEach((rung, index) => {
      if (index >= this.#home) rung.probeAt = null;
      else if (this.#failed.has(rung.name) || rung.probeAt === null) this.#demote(rung, now);
    });
    this.#failed.clear();
  }

  /**
   * Note that an opened connection ended by itself.
   *
   * @param {string} name
   * @param {number} lived ms
   * @returns {boolean} whether the rung is to be left, after dying too often in its first seconds
   */
  dropped(name, lived) {
    const rung = this.#rung(name);
    this.#trust(rung, lived);
    if (lived >= this.#timing.earlyDeath) {
      rung.deaths = 0;
      return false;
    }
    rung.deaths += 1;
    // A rung that came back from a demotion and dies again is left at its first early death.
    const limit = rung.step > 0 ? 1 : this.#timing.earlyDeaths;
    if (rung.deaths < limit) return false;
    rung.deaths = 0;
    this.#failed.add(name);
    return true;
  }

  /** Note that two heartbeats were missed. @param {string} name @param {number} lived ms */
  stalled(name, lived) {
    this.#trust(this.#rung(name), lived);
    this.#failed.add(name);
  }

  /** @returns {{name: string, at: number} | null} the better rung to try next and when (ms) */
  nextProbe() {
    const better = this.#rungs.slice(0, this.#home).filter((rung) => rung.probeAt !== null);
    if (better.length === 0) return null;
    const soonest = better.reduce((a, b) => (b.probeAt < a.probeAt ? b : a));
    return { name: soonest.name, at: soonest.probeAt };
  }

  /** @param {string} name @param {number} now ms */
  probeFailed(name, now) {
    this.#demote(this.#rung(name), now);
  }

  /** Forget what failed before, because the network changed. @param {number} now ms */
  hurry(now) {
    for (const rung of this.#rungs) if (rung.probeAt !== null) rung.probeAt = now;
  }

  #rung(name) {
    return this.#rungs.find((rung) => rung.name === name);
  }

  #trust(rung, lived) {
    if (lived >= this.#timing.steady) rung.step = 0;
  }

  #demote(rung, now, step = rung.step + 1) {
    const { probeFirst, probeMax } = this.#timing;
    rung.step = Math.min(Math.max(step, 1), MAX_STEP);
    const delay = probeFirst * 2 ** (rung.step - 1) * (1 + this.#random());
    rung.probeAt = now + Math.min(probeMax, delay);
  }
}
