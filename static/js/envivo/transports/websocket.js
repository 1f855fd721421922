/**
 * The WebSocket rung (RFC 6455). Everything goes both ways over one socket, topics come and go while
 * it is open. This file knows nothing of deadlines, retries or other rungs.
 *
 * The interface of every transport, which all of them meet alike:
 *
 * @typedef {object} Handlers what a transport tells
 * @property {(message: import("../messages.js").Message) => void} message of the stream
 * @property {(message: import("../messages.js").Message) => void} reply outside the stream, so that
 *   it proves nothing about the stream's health
 * @property {(id: string) => void} cursor a place up to which everything was brought
 * @property {(key: string | undefined, retryAfter: number | null) => void} unsent a message that did
 *   not get through and should be sent again, after so many ms if the server said so
 * @property {(end: import("../endings.js").LinkEnding) => void} end once, unless we ended it ourselves
 *
 * @typedef {object} Link what a transport takes
 * @property {string[]} topics those it was opened with
 * @property {boolean} duplex messages go up the same stream: many may be on their way, a pong
 *   proves that the stream lives, topics can be added and removed in place
 * @property {boolean} heartbeats whether the server's heartbeats come through it
 * @property {(message: object, topic: string, connectionId: string) => void} send
 * @property {(how: {orderly: boolean, connectionId: string | null}) => void} close end it; `orderly`: "I am gone", else
 *   "I will be back"
 *
 * @typedef {(request: import("./address.js").StreamRequest, handlers: Handlers,
 *   timing: import("../limits.js").Timing) => Link} Open
 */

import { BACK_SOON, NORMAL, endingOfClose, failed } from "../endings.js";
import { parseMessage } from "../messages.js";
import { streamAddress } from "./address.js";

/** @type {Open} */
export function openWebSocket(request, handlers) {
  // `since` applies to all topics of the address: fresh ones are subscribed to once it is open.
  const topics = request.topics.filter((topic) => !request.fresh.includes(topic));
  const socket = new WebSocket(streamAddress("ws", { ...request, fresh: [] }, topics));

  function finish(end) {
    silence();
    socket.close();
    handlers.end(end);
  }
  function silence() {
    socket.onmessage = socket.onclose = null;
  }
  socket.onmessage = ({ data }) => {
    const message = parseMessage(data);
    if (message) handlers.message(message);
    else finish(failed("something that is not our server answers"));
  };
  socket.onclose = ({ code }) => finish(endingOfClose(code));

  return {
    topics,
    duplex: true,
    heartbeats: true,
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    close({ orderly }) {
      silence();
      socket.close(orderly ? NORMAL : BACK_SOON);
    },
  };
}
