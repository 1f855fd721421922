/**
 * The ways in which a connection ends and what each means: stop for good, come back later because the server said
 * so, or a failure of this way of connecting. Close codes are RFC 6455's and the server's 44xx;
 * an HTTP status becomes the same code (401 is 4401), so that a page need know one list. Pure.
 *
 * @typedef {object} LinkEnding
 * @property {"stop" | "later" | "failed" | "stalled"} kind
 * @property {number | null} code close code, where there is one
 * @property {number | null} retryAfter ms the server asked us to stay away
 * @property {{code: string, message: string} | null} error the server's own words, where it had any
 * @property {string} seen what was observed, for people
 */

import { LONGEST_RETRY_AFTER } from "./limits.js";

const STOP_CODES = new Set([4400, 4401, 4403, 4404]);
/**
 * Of the protocol's own codes those that a server's close frame has, be it on purpose or over a fault of its own: 1005
 * stands for a frame without one. They blame no way of connecting.
 */
const ORDERLY_CODES = new Set([1000, 1001, 1005, 1008, 1009, 1011, 1012, 1013]);
/** Only a program gives codes from here to 4999 (RFC 6455, 7.4.2), never something in between. */
const FIRST_OF_PROGRAMS = 3000;
const STOP_STATUS = new Set([400, 401, 403, 404]);
const BUSY_STATUS = new Set([408, 429, 503]);
const STATUS_TO_CODE = 4000;
const CONTENT_TOO_LARGE = 413;
/** A proxy may answer so in our server's place; repeating the message would be useless, too. */
const TOO_LARGE_ERROR = Object.freeze({ code: "too_big", message: "the message is too big" });

/** Message too big (RFC 6455, 7.4.1). */
export const TOO_BIG = 1009;
/** Normal closure (RFC 6455, 7.4.1). */
export const NORMAL = 1000;
/** A close code of the range for applications (RFC 6455, 7.4.2), which is no orderly leave. */
export const BACK_SOON = 4000;

/** @param {string} seen @param {Partial<LinkEnding>} [details] @returns {LinkEnding} */
export function failed(seen, details = {}) {
  return { kind: "failed", code: null, retryAfter: null, error: null, seen, ...details };
}

/** @param {number} code @returns {"stop" | "later" | "failed"} what a WebSocket's close code says */
export function meaningOfClose(code) {
  if (STOP_CODES.has(code)) return "stop";
  return ORDERLY_CODES.has(code) || (code >= FIRST_OF_PROGRAMS && code < 5000) ? "later" : "failed";
}

/**
 * @param {number} status in the place of a stream
 * @param {{ours: boolean}} by whether the body is our server's error: a proxy's 403 says nothing about the server
 * @returns {"stop" | "later" | "failed"}
 */
export function meaningOfStatus(status, { ours }) {
  if (!ours) return "failed";
  if (STOP_STATUS.has(status)) return "stop";
  return BUSY_STATUS.has(status) ? "later" : "failed";
}

/** @param {number} code @returns {LinkEnding} */
export function endingOfClose(code) {
  return failed(`closed with ${code}`, { kind: meaningOfClose(code), code });
}

/** @param {number | null} retryAfter ms @returns {LinkEnding} */
export function endingOfBye(retryAfter) {
  return failed("the server said bye", { kind: "later", retryAfter });
}

/**
 * @param {LinkEnding} end of a WebSocket, which says in an error message what an HTTP answer says in body and headers
 * @param {object} refusal the data of that message
 * @returns {LinkEnding}
 */
export function endingOfRefusal(end, refusal) {
  const asked = refusal.retry_after ?? null;
  if (end.kind !== "failed" || asked === null) return { ...end, error: end.error ?? refusal };
  return { ...end, kind: "later", retryAfter: asked, error: refusal };
}

/**
 * @param {Response} response one that was no success
 * @param {number} now ms, to resolve a Retry-After that is a date
 * @returns {Promise<LinkEnding>}
 */
export async function endingOfAnswer(response, now) {
  const { status } = response;
  const words = await errorOf(response);
  const kind = meaningOfStatus(status, { ours: words !== null });
  const error = words ?? (status === CONTENT_TOO_LARGE ? TOO_LARGE_ERROR : null);
  const retryAfter = parseRetryAfter(response.headers.get("Retry-After"), now);
  const code = words && STATUS_TO_CODE + status;
  return failed(`HTTP ${status}`, { kind, code, retryAfter, error });
}

/** @param {LinkEnding} end of a request @returns {boolean} whether our server says that it failed, by its own fault */
export function isServersFault({ code }) {
  return code !== null && code >= STATUS_TO_CODE + 500 && code < STATUS_TO_CODE + 600;
}

/**
 * @param {string | null} header seconds or an HTTP date (RFC 9110, 10.2.3)
 * @param {number} now ms
 * @returns {number | null} ms from now, an hour at most
 */
export function parseRetryAfter(header, now) {
  const text = (header ?? "").trim();
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text) * 1000, LONGEST_RETRY_AFTER);
  // Browsers read much as a date that is none; a date of the standard begins with a day's name in all forms.
  const at = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.min(Math.max(0, at - now), LONGEST_RETRY_AFTER);
}

/** @param {Response} response @returns {Promise<{code: string, message: string} | null>} */
async function errorOf(response) {
  try {
    const body = await response.json();
    return body?.success === false && body.error?.code ? body.error : null;
  } catch {
    return null;
  }
}
