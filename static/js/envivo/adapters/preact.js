/**
 * A thin adapter for Preact: a live connection as signals, closed with its component. The hooks and
 * `signal` are handed in, so that the page's one copy of Preact is used and none is imported here.
 *
 * ```js
 * const useLive = createUseLive({ signal, useEffect, useMemo });
 * function Room() {
 *   const { live, status, latest } = useLive({ topics: ["rooms/1"] });
 *   return html`<p>${status.value.state}: ${latest("message").value?.data.content}</p>`;
 * }
 * ```
 */

import { connect } from "../index.js";

/**
 * @param {object} preact
 * @param {<T>(value: T) => {value: T}} preact.signal of `@preact/signals`
 * @param {Function} preact.useEffect of `preact/hooks`
 * @param {Function} preact.useMemo of `preact/hooks`
 * @returns {(options: import("../client.js").LiveOptions) => ReturnType<typeof liveSignals>} a hook;
 *   the options of the first rendering count
 */
export function createUseLive({ signal, useEffect, useMemo }) {
  return function useLive(options) {
    const signals = useMemo(() => liveSignals(connect(options), signal), []);
    useEffect(() => () => signals.live.close(), []);
    return signals;
  };
}

/**
 * @param {import("../client.js").LiveClient} live
 * @param {<T>(value: T) => {value: T}} signal
 * @returns {{live: import("../client.js").LiveClient, status: {value: object},
 *   latest: (type: string) => {value: object | null}}} `latest(type)` holds the newest message of it
 */
export function liveSignals(live, signal) {
  const status = signal(live.status);
  live.on("status", (now) => {
    status.value = now;
  });
  const byType = new Map();
  function latest(type) {
    if (!byType.has(type)) {
      const newest = signal(null);
      live.on(type, (message) => {
        newest.value = message;
      });
      byType.set(type, newest);
    }
    return byType.get(type);
  }
  return { live, status, latest };
}
