/**
 * Thin adapters for Vue 3: the composables of the older monitor, over this client. `vue` comes from
 * the page's import map, so that the page's one copy is used.
 *
 * ```js
 * const { isConnected, reconnectAttempts, send, ping } = useWebSocket({
 *   url: "ws://localhost:8000/ws/alerts", onMessage: (message) => show(message),
 * });
 * const { isConnected } = useAlertsWebSocket(({ total, critical }) => badge(total, critical));
 * ```
 *
 * Where WebSockets do not get through, the other rungs of the ladder carry the same messages.
 */

import { onMounted, onUnmounted, ref } from "vue";

import { NORMAL } from "../endings.js";
import { connect } from "../index.js";

/** The longest pause between two tries, in ms. */
const MAX_DELAY = 15_000;
/** Messages of the alerts that carry the counts. */
const COUNTING = new Set(["initial", "update", "dismissed", "refresh"]);

/**
 * Connect when the component is mounted and leave when it is unmounted. After a loss the connection
 * is tried again after one, two, three… times `reconnectInterval`, 15 s at most, unless the server names a time.
 *
 * @param {object} options
 * @param {string} options.url as an older client had it: `ws://host/ws/alerts`, `/ws/rooms/1?user_id=1`
 * @param {(message: object) => void} [options.onMessage] every message
 * @param {(error: Error) => void} [options.onError] a connection was lost or refused, a send failed
 * @param {number} [options.reconnectInterval] ms
 * @param {number} [options.maxReconnectAttempts] in a row, then it gives up
 * @param {typeof connect} [connectWith] how a connection is made
 * @returns {{isConnected: {value: boolean}, reconnectAttempts: {value: number},
 *   send: (message: object | string) => Promise<object>, ping: () => Promise<object>}} `send` settles
 *   with the server's answer; what is said while there is no connection goes out on the next one
 */
export function useWebSocket(options, connectWith = connect) {
  const { url, onMessage, onError, reconnectInterval = 3000, maxReconnectAttempts = 10 } = options;
  const isConnected = ref(false);
  const reconnectAttempts = ref(0);
  const target = parseUrl(url);
  let live = null;

  function onStatus({ state, code, why }) {
    isConnected.value = state === "connected";
    if (state === "connected") reconnectAttempts.value = 0;
    const isLost = state === "waiting";
    if (isLost || (state === "closed" && code !== NORMAL)) {
      onError?.(new Error(why.at(-1)?.seen ?? "not connected"));
    }
    if (isLost && reconnectAttempts.value >= maxReconnectAttempts) live.close();
    else if (isLost) reconnectAttempts.value += 1;
  }

  async function send(message) {
    if (!live) throw new Error("not connected: its component is not mounted");
    const body = typeof message === "string" ? JSON.parse(message) : message;
    return live.send(body.topic ?? target.topics[0], body);
  }

  onMounted(() => {
    const backoff = () => Math.min(MAX_DELAY, reconnectInterval * (reconnectAttempts.value + 1));
    live = connectWith({ ...target, backoff });
    live.on("status", onStatus);
    if (onMessage) live.on("*", onMessage);
  });
  onUnmounted(() => live?.close());

  const tell = (message) => {
    const sent = send(message);
    // A caller that does not look at the result, as older ones did, hears of it here.
    sent.catch((error) => onError?.(error));
    return sent;
  };
  return { isConnected, reconnectAttempts, send: tell, ping: () => tell({ action: "ping" }) };
}

/**
 * The open alerts of the monitor, of the page's own server.
 *
 * @param {(counts: {total: number, critical: number, warning: number, info: number}, message: object) =>
 *   void} onUpdate whenever they are told, with the message that tells them
 * @param {typeof connect} [connectWith] how a connection is made
 * @returns {{isConnected: {value: boolean}, reconnectAttempts: {value: number}}}
 */
export function useAlertsWebSocket(onUpdate, connectWith = connect) {
  const { isConnected, reconnectAttempts, send } = useWebSocket(
    {
      url: "/ws/alerts",
      onMessage: (message) => {
        if (COUNTING.has(message.type)) onUpdate(message.data, message);
        // The cursor could not be honoured, so something may have been missed.
        else if (message.type === "reset") send({ action: "refresh" });
      },
    },
    connectWith,
  );
  return { isConnected, reconnectAttempts };
}

/**
 * The client's options in the address of a WebSocket.
 *
 * @param {string} address absolute, or relative to the page
 * @returns {{url: string, topics: string[], params: Record<string, string>, since?: string}}
 * @throws {TypeError} no address, or one without a topic
 */
export function parseUrl(address) {
  const url = new URL(address, globalThis.location?.href);
  const [, prefix, path] = /^(.*?)\/ws(?:\/(.*?))?\/?$/.exec(url.pathname) ?? [];
  const { topic: _, since, ...params } = Object.fromEntries(url.searchParams);
  const topics = path ? [decodeURIComponent(path)] : url.searchParams.getAll("topic");
  if (prefix === undefined || topics.length === 0) throw new TypeError(`no topic in ${address}`);
  const base = `${url.protocol.replace("ws", "http")}//${url.host}${prefix}/`;
  // A room's number alone is the short name of its topic.
  const named = topics.map((topic) => (/^\d+$/.test(topic) ? `rooms/${topic}` : topic));
  return { url: base, topics: named, params, ...(since && { since }) };
}
