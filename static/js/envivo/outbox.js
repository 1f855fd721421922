/**
 * The sends that wait for their acknowledgement, in order, bounded. This is pure bookkeeping: the client drains
 * it into whichever connection is current and feeds it the replies.
 *
 * @typedef {import("./messages.js").Message} Message
 * @typedef {object} Pending
 * @property {string} key
 * @property {string} topic
 * @property {Message} message with its key and topic
 * @property {boolean} sent on the current connection
 * @property {number | null} failingSince time (ms) at which the server failed at it first
 * @property {(reply: Message) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

/** The reason why a send was not acknowledged. `code` is the server's, or one of the client's own. */
export class SendError extends Error {
  /**
   * @param {string} code the server's error code, or `closed`, `queue_full`, `timeout`, `too_big`
   * @param {string} message
   * @param {Message | null} [reply] the server's error message, where there is one
   */
  constructor(code, message, reply = null) {
    super(message);
    this.name = "SendError";
    this.code = code;
    this.reply = reply;
  }
}

export class Outbox {
  /** In order of `send`. @type {Map<string, Pending>} */
  #pending = new Map();
  #limit;

  /** @param {number} limit */
  constructor(limit) {
    this.#limit = limit;
  }

  /** @param {string} key @returns {boolean} */
  has(key) {
    return this.#pending.has(key);
  }

  /**
   * @param {Omit<Pending, "sent" | "failingSince">} pending
   * @throws {SendError} `queue_full`; `duplicate_key` when one with this key is still waiting
   */
  add(pending) {
    if (this.#pending.size >= this.#limit) {
      throw new SendError("queue_full", `${this.#limit} messages wait for the server already`);
    }
    if (this.#pending.has(pending.key)) {
      throw new SendError("duplicate_key", "a message with this key waits for the server already");
    }
    this.#pending.set(pending.key, { ...pending, sent: false, failingSince: null });
  }

  /**
   * @param {number} window how many may be on their way at once
   * @returns {Pending[]} the next to send, in order; they count as sent from now on
   */
  take(window) {
    const onTheirWay = [...this.#pending.values()].filter((pending) => pending.sent).length;
    const waiting = [...this.#pending.values()].filter((pending) => !pending.sent);
    const next = waiting.slice(0, Math.max(0, window - onTheirWay));
    for (const pending of next) pending.sent = true;
    return next;
  }

  /** Let everything unacknowledged go out again, because there is another connection. */
  rewind() {
    for (const pending of this.#pending.values()) pending.sent = false;
  }

  /** Let this message, which did not get through, go out again. @param {string} key */
  putBack(key) {
    const pending = this.#pending.get(key);
    if (pending) pending.sent = false;
  }

  /**
   * Note that the server failed at this message.
   *
   * @param {string} key
   * @param {number} now ms
   * @returns {number} ms since it did so first
   */
  failing(key, now) {
    const pending = this.#pending.get(key);
    pending.failingSince ??= now;
    return now - pending.failingSince;
  }

  /** @param {Message} reply one that carries a key @returns {boolean} whether it settled a send */
  settle(reply) {
    const pending = this.remove(reply.key);
    if (!pending) return false;
    if (reply.type === "error") pending.reject(serverError(reply));
    else pending.resolve(reply);
    return true;
  }

  /** @param {string} key @returns {Pending | null} the send, no longer waiting */
  remove(key) {
    const pending = this.#pending.get(key) ?? null;
    this.#pending.delete(key);
    return pending;
  }

  /**
   * Reject the largest message on its way, because the connection was closed over a message too big: sending it again
   * would only end the next connection.
   */
  rejectLargest() {
    const sent = [...this.#pending.values()].filter((pending) => pending.sent);
    if (sent.length === 0) return;
    const sizes = new Map(sent.map((pending) => [pending, JSON.stringify(pending.message).length]));
    const largest = sent.reduce((a, b) => (sizes.get(b) > sizes.get(a) ? b : a));
    this.remove(largest.key)?.reject(new SendError("too_big", "the server takes no message so big"));
  }

  /** @param {string} code @param {string} message */
  rejectAll(code, message) {
    const rejected = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of rejected) pending.reject(new SendError(code, message));
  }
}

function serverError(reply) {
  const { code = "error", message = "the server refused the message" } = reply.data ?? {};
  return new SendError(code, message, reply);
}
