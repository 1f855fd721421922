/**
 * Every interval, timeout and size of the browser client, in one place, with its unit. `connect({ timing })` overrides
 * any of the intervals. What the Python client has too stands there by the same name (`quart_app/client/options.py`);
 * only the composables of the older monitor have defaults of their own (`adapters/vue.js`).
 */

/**
 * @typedef {object} Timing Everything in milliseconds, unless its name says otherwise.
 * @property {{ws: number, sse: number, poll: number}} open time a rung has for its first message
 * @property {number} earlyDeath an opened connection that ends sooner "died in its first seconds"
 * @property {number} earlyDeaths (a count) so many early deaths in a row demote the rung
 * @property {number} steady a rung that lives this long is trusted again: its hysteresis starts anew
 * @property {number} probeFirst a better rung is tried again after one to two times this
 * @property {number} probeMax the longest time between two tries of a better rung
 * @property {number} overlap how long a connection goes on beside the one that replaces it, for the signals that are
 *   on their way
 * @property {number} remember how long the choice of rung is kept for the next page
 * @property {number} backoffBase the first back-off is drawn from 0 to this
 * @property {number} backoffCap no back-off is drawn from more than this
 * @property {number} hiddenSpacing least time between two tries while nobody sees the page
 * @property {number} ping interval of the round-trip measurement
 * @property {number} liveness time a pong may take once there is a reason to doubt the connection
 * @property {number} pollWait how long the server may hold a poll; at most 25,000
 * @property {number} pollPause rest after an empty answer that came sooner than this
 * @property {number} request time a request may take beyond what the server was asked to wait
 * @property {number} repeat how long a message is repeated that the server fails at by its own fault
 */

/** @type {Timing} */
export const TIMING = Object.freeze({
  open: Object.freeze({ ws: 3000, sse: 4000, poll: 10_000 }),
  earlyDeath: 5000,
  earlyDeaths: 3,
  steady: 60_000,
  probeFirst: 5000,
  probeMax: 300_000,
  overlap: 500,
  remember: 600_000,
  backoffBase: 500,
  backoffCap: 30_000,
  hiddenSpacing: 30_000,
  ping: 15_000,
  liveness: 5000,
  pollWait: 25_000,
  pollPause: 500,
  request: 10_000,
  repeat: 60_000,
});

/** Heartbeat interval (ms) assumed when a welcome does not tell one. */
export const HEARTBEAT = 30_000;
/** Heartbeats that may stay away. */
export const MISSED_HEARTBEATS = 2;
/** The part of one heartbeat that is allowed for the way and for the sender's own lateness, and the most of it (ms). */
export const SLACK_SHARE = 0.25;
export const SLACK_MAX = 5000;
/** A timer that comes so much (ms) too late tells that we were away. */
export const LATE_TIMER = 5000;
/** Steps after which the interval between probes doubles no more. */
export const MAX_STEP = 16;
/** After this (ms) the round trip is measured a second time, then after so many times the interval before. */
export const FIRST_MEASURE = 1000;
export const MEASURE_GROWTH = 4;
/** Sends that may wait for their acknowledgement. */
export const OUTBOX = 1000;
/** Sends that may be on their way at once over a WebSocket: so many a server takes before it waits. */
export const IN_FLIGHT = 64;
/** Topics on one connection (the server's limit). */
export const TOPICS_PER_CONNECTION = 100;
/** Characters in a topic's name and in a message's key (the server's limits). */
export const TOPIC_NAME_CHARACTERS = 128;
export const KEY_CHARACTERS = 128;
/** Bytes of chance in front of all keys of one client. */
export const KEY_PREFIX_BYTES = 16;
/** No wish of a server to stay away (ms), or of something in between, counts for more than this. */
export const LONGEST_RETRY_AFTER = 3_600_000;
/** Signals remembered while one connection replaces another. */
export const MAX_TOLD = 5000;
/** Messages held back meanwhile; with more of them the other one takes over at once. */
export const MAX_HELD = 1000;
/** Records of tried transports kept in `status.why`. */
export const MAX_WHY = 20;

/**
 * @param {Partial<Timing>} [overrides]
 * @returns {Timing}
 */
export function timingWith(overrides = {}) {
  return { ...TIMING, ...overrides, open: { ...TIMING.open, ...overrides.open } };
}
