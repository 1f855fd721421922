/**
 * The parts of its surroundings that the client uses: clock, timers, dice, the page's visibility and the
 * memory of the session. The only file besides the transports that touches the browser.
 *
 * @typedef {object} PageHooks
 * @property {() => void} online the network is back, or another one
 * @property {() => void} offline the network is gone, for as much as the browser knows
 * @property {() => void} shown the page is seen again, or was woken up
 * @property {() => void} hidden nobody sees the page any more
 * @property {() => void} gone the page is being left (it may come back from the cache, as `shown`)
 *
 * @typedef {object} Environment
 * @property {() => number} now ms since the epoch
 * @property {() => number} random 0 up to, not including, 1
 * @property {(act: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => boolean} isHidden
 * @property {(hooks: PageHooks) => () => void} watch returns how to stop it
 * @property {(name: string) => string | null} recall
 * @property {(name: string, value: string | null) => void} remember null forgets
 * @property {string | undefined} origin where the page came from
 * @property {Record<string, import("./transports/websocket.js").Open>} transports best first
 */

import { openPoll } from "./transports/polling.js";
import { openSse } from "./transports/sse.js";
import { openWebSocket } from "./transports/websocket.js";

/** @returns {Environment} */
export function browserEnvironment() {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (act, ms) => setTimeout(act, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    isHidden: () => globalThis.document?.visibilityState === "hidden",
    watch: watchPage,
    recall: (name) => withStorage((storage) => storage.getItem(name)) ?? null,
    remember: (name, value) => {
      withStorage((storage) =>
        value === null ? storage.removeItem(name) : storage.setItem(name, value),
      );
    },
    origin: globalThis.location?.origin,
    transports: { ws: openWebSocket, sse: openSse, poll: openPoll },
  };
}

/** @param {PageHooks} hooks @returns {() => void} */
function watchPage(hooks) {
  const listening = new AbortController();
  const { signal } = listening;
  const page = globalThis.document;
  globalThis.addEventListener?.("online", hooks.online, { signal });
  globalThis.addEventListener?.("offline", hooks.offline, { signal });
  globalThis.addEventListener?.("pagehide", hooks.gone, { signal });
  globalThis.addEventListener?.("pageshow", (event) => event.persisted && hooks.shown(), { signal });
  page?.addEventListener("resume", hooks.shown, { signal });
  page?.addEventListener(
    "visibilitychange",
    () => (page.visibilityState === "hidden" ? hooks.hidden() : hooks.shown()),
    { signal },
  );
  return () => listening.abort();
}

/** Storage may be switched off, full or forbidden in a frame: then nothing is remembered. */
function withStorage(use) {
  try {
    return globalThis.sessionStorage ? use(globalThis.sessionStorage) : null;
  } catch {
    return null;
  }
}
