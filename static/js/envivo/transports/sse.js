/**
 * The Server-Sent Events rung (HTML standard, 9.2), with `EventSource` for the way down: it passes
 * every proxy that passes a page. Its own reconnecting is not used: one place decides on retries.
 */

import { failed } from "../endings.js";
import { parseMessage } from "../messages.js";
import { streamAddress } from "./address.js";
import { request } from "./request.js";
import { Upstream } from "./upstream.js";

/** @type {import("./websocket.js").Open} */
export function openSse(asked, handlers, timing) {
  const { topics } = asked;
  const address = streamAddress("sse", asked, topics);
  const source = new EventSource(address);
  const upstream = new Upstream(asked, handlers, timing.request);
  const asking = new AbortController();
  const limits = { signal: asking.signal, timeout: timing.open.sse };

  function mute() {
    source.onmessage = source.onerror = null;
    upstream.stop();
    asking.abort();
  }
  function finish(end) {
    source.close();
    mute();
    handlers.end(end);
  }
  source.onmessage = ({ data }) => {
    const message = parseMessage(data);
    if (message) handlers.message(message);
    else finish(failed("something that is not our server answers"));
  };
  source.onerror = async () => {
    const refused = source.readyState === EventSource.CLOSED;
    source.close();
    source.onerror = null;
    const end = refused ? await askWhy(address, limits) : failed("the stream ended");
    if (!asking.signal.aborted) finish(end);
  };

  return {
    topics,
    duplex: false,
    heartbeats: true,
    send: (message, topic, connectionId) => void upstream.send(message, topic, connectionId),
    close({ orderly, connectionId }) {
      mute();
      // The stream closes after the goodbye: without a stream there is no connection to say it for.
      if (orderly && connectionId) upstream.leave(topics[0], connectionId).finally(() => source.close());
      else source.close();
    },
  };
}

/** Return the ending of a refused stream. `EventSource` hides the status, so the same request is made once more. */
async function askWhy(address, limits) {
  const options = { headers: { Accept: "text/event-stream" } };
  const { body, end } = await request(address, options, limits, (response) =>
    failed(`a stream the browser refuses (${response.headers.get("Content-Type")})`),
  );
  return end ?? body;
}
