/**
 * En Vivo in the browser: follow topics over whatever the network lets through.
 *
 * ```js
 * import { connect } from "/static/js/envivo/index.js";
 *
 * const live = connect({ topics: ["rooms/1"], params: { user_id: 1, username: "Ana" } });
 * live.on("message", (message) => show(message.data));
 * live.on("status", (status) => badge(status.state, status.transport, status.rtt));
 * live.subscribe("alerts");
 * await live.send("rooms/1", { type: "message", content: "Hola" });
 * live.close();
 * ```
 */

import { LiveClient } from "./client.js";
import { browserEnvironment } from "./environment.js";

export { SendError } from "./outbox.js";

/**
 * Connect, and stay connected until `close()` or until the server says stop.
 *
 * @param {import("./client.js").LiveOptions} [options]
 * @returns {LiveClient}
 * @throws {TypeError | RangeError} what is wrong with the options
 */
export function connect(options = {}) {
  return new LiveClient(options, browserEnvironment());
}
