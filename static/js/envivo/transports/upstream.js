/**
 * The way up for the transports that only come down: `POST /send/<topic>`. It turns answers into
 * the same messages a WebSocket would have brought, and keeps no queue: order is the caller's
 * business.
 */

import { isServersFault } from "../endings.js";
import { INTERNAL, isMessage } from "../messages.js";
import { sendAddress } from "./address.js";
import { readMessages, request } from "./request.js";

export class Upstream {
  #request;
  #handlers;
  #timeout;
  #closing = new AbortController();

  /**
   * @param {import("./address.js").StreamRequest} asked what the connection was asked for
   * @param {import("./websocket.js").Handlers} handlers
   * @param {number} timeout ms an answer may take
   */
  constructor(asked, handlers, timeout) {
    this.#request = asked;
    this.#handlers = handlers;
    this.#timeout = timeout;
  }

  /**
   * @param {{type: string, key?: string}} message
   * @param {string} topic
   * @param {string} connectionId
   */
  async send(message, topic, connectionId) {
    const limits = { signal: this.#closing.signal, timeout: this.#timeout };
    const options = post(message, connectionId);
    const { body, end } = await request(this.#address(topic), options, limits, readMessages);
    if (this.#closing.signal.aborted) return;
    if (body) for (const reply of repliesIn(body, message, topic)) this.#handlers.reply(reply);
    else if (end.kind === "later" || !end.error) this.#handlers.unsent(message.key, end.retryAfter);
    else {
      const data = isServersFault(end) ? { ...end.error, code: INTERNAL } : end.error;
      this.#handlers.reply({ type: "error", topic, key: message.key, data });
    }
  }

  /**
   * Say goodbye as far as that is possible, also while the page goes away.
   *
   * @returns {Promise<unknown>} settled when the server knows, or cannot be told
   */
  leave(topic, connectionId) {
    this.stop();
    const signal = AbortSignal.timeout(this.#timeout);
    const options = { ...post({ type: "bye" }, connectionId), keepalive: true, signal };
    return fetch(this.#address(topic), options).catch(() => {
      // Without the goodbye the server notices by itself, a few seconds later.
    });
  }

  stop() {
    this.#closing.abort();
  }

  #address(topic) {
    return sendAddress(this.#request, topic);
  }
}

function post(message, connectionId) {
  const headers = { "Content-Type": "application/json", "X-Connection-Id": connectionId };
  return { method: "POST", headers, body: JSON.stringify(message) };
}

/**
 * Return the replies to a message; a success that says nothing of the message counts as its acknowledgement.
 *
 * @param {{messages: object[]}} body
 * @param {{key?: string}} message the one that was posted
 * @param {string} topic
 * @returns {import("../messages.js").Message[]}
 */
function repliesIn(body, { key }, topic) {
  const replies = body.messages.filter(isMessage);
  const isAnswered = key === undefined || replies.some((reply) => reply.key === key);
  return isAnswered ? replies : [...replies, { type: "ack", topic, key }];
}
