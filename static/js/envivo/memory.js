/**
 * The memory of the rung that was found good, for the next page of the session. It expires: behind
 * the same proxy the next page need not find out again, and elsewhere tomorrow it must.
 */

export class RungMemory {
  #environment;
  #name;
  #lifetime;

  /**
   * @param {import("./environment.js").Environment} environment
   * @param {string} base address of the server: what is good for one is not for another
   * @param {number} lifetime ms
   */
  constructor(environment, base, lifetime) {
    this.#environment = environment;
    this.#name = `envivo:rung:${base}`;
    this.#lifetime = lifetime;
  }

  /** @returns {import("./ladder.js").Remembered | null} */
  recall() {
    const text = this.#environment.recall(this.#name);
    if (text === null) return null;
    try {
      const { transport, step, until } = JSON.parse(text);
      return until > this.#environment.now() ? { transport, step: Number(step) || 1 } : null;
    } catch {
      return null;
    }
  }

  /** @param {import("./ladder.js").Remembered | null} choice null: the best rung, nothing to keep */
  keep(choice) {
    const until = this.#environment.now() + this.#lifetime;
    this.#environment.remember(this.#name, choice && JSON.stringify({ ...choice, until }));
  }
}
