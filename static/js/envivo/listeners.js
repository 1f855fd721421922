/**
 * The listeners by the type of what they hear. A listener that throws is reported and stops nobody else.
 */

export class Listeners {
  /** @type {Map<string, Set<(told: any) => void>>} */
  #byType = new Map();

  /**
   * @param {string} type
   * @param {(told: any) => void} listener
   * @returns {() => void} stops it
   */
  add(type, listener) {
    if (typeof listener !== "function") throw new TypeError("a listener is a function");
    if (!this.#byType.has(type)) this.#byType.set(type, new Set());
    // The listener is wrapped, so that a function added twice is two listeners, each with its own way to stop.
    const entry = (told) => listener(told);
    const entries = this.#byType.get(type);
    entries.add(entry);
    return () => {
      entries.delete(entry);
      if (entries.size === 0 && this.#byType.get(type) === entries) this.#byType.delete(type);
    };
  }

  /** @param {string} type @param {any} told */
  tell(type, told) {
    for (const listener of [...(this.#byType.get(type) ?? [])]) {
      try {
        listener(told);
      } catch (error) {
        report(error);
      }
    }
  }
}

function report(error) {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}
