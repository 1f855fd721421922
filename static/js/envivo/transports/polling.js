/**
 * The long-polling rung: the last one, as it passes everything that passes a request. One request is
 * always waiting at the server; the answer's cursor is the next one's question.
 */

import { isMessage, isWelcome } from "../messages.js";
import { streamAddress } from "./address.js";
import { readMessages, request } from "./request.js";
import { Upstream } from "./upstream.js";

/** @type {import("./websocket.js").Open} */
export function openPoll(asked, handlers, timing) {
  const poll = new Poll(asked, handlers, timing);
  const upstream = new Upstream(asked, handlers, timing.request);
  void poll.run();
  return {
    topics: asked.topics,
    duplex: false,
    heartbeats: false,
    send: (message, topic, connectionId) => void upstream.send(message, topic, connectionId),
    close({ orderly, connectionId }) {
      poll.stop();
      upstream.stop();
      if (orderly && connectionId) upstream.leave(asked.topics[0], connectionId);
    },
  };
}

class Poll {
  #request;
  #handlers;
  #timing;
  #stopping = new AbortController();
  /** @type {string | null} */
  #connectionId = null;

  constructor(asked, handlers, timing) {
    this.#request = asked;
    this.#handlers = handlers;
    this.#timing = timing;
  }

  stop() {
    this.#stopping.abort();
  }

  async run() {
    let question = this.#request;
    while (true) {
      const askedAt = Date.now();
      const { body, end } = await this.#ask(question);
      if (this.#stopping.signal.aborted) return;
      if (end) {
        this.#handlers.end(end);
        return;
      }
      this.#deliver(body);
      await this.#rest(body, Date.now() - askedAt);
      if (this.#stopping.signal.aborted) return;
      // The server is told once which topics are fresh; from then on its own cursor knows.
      question = { ...this.#request, fresh: [], since: body.id };
    }
  }

  /** Rest where an empty answer came at once: such a server is not to be asked in a tight loop. */
  async #rest(body, took) {
    const { pollPause } = this.#timing;
    if (body.messages.length > 0 || took >= pollPause) return;
    await new Promise((resolve) => setTimeout(resolve, pollPause));
  }

  #ask(question) {
    const { pollWait } = this.#timing;
    const address = streamAddress("poll", question, question.topics, { wait: pollWait / 1000 });
    const headers = this.#connectionId ? { "X-Connection-Id": this.#connectionId } : {};
    const limits = { signal: this.#stopping.signal, timeout: pollWait + this.#timing.request };
    return request(address, { headers }, limits, readAnswer);
  }

  #deliver(body) {
    for (const message of body.messages.filter(isMessage)) {
      if (this.#stopping.signal.aborted) return;
      if (isWelcome(message)) this.#connectionId ??= message.connection_id;
      this.#handlers.message(message);
    }
    if (!this.#stopping.signal.aborted) this.#handlers.cursor(body.id);
  }
}

async function readAnswer(response) {
  const body = await readMessages(response);
  if (typeof body.id !== "string") throw new TypeError("an answer without a cursor");
  return body;
}
