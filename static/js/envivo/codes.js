/**
 * How a connection ends and what that means: stop for good, come back later because the server said
 * so, or a failure of this way of connecting. Close codes are RFC 6455's and the server's 44xx;
 * an HTTP status becomes the same code (401 is 4401), so that a page need know one list. Pure.
 *
 * @typedef {object} End
 * @property {"stop" | "later" | "failed" | "stalled"} kind
 * @property {number | null} code close code, where there is one
 * @property {number | null} retryAfter ms the server asked us to stay away
 * @property {{code: string, message: string} | null} error the server's own words, where it had any
 * @property {string} seen what was observed, for people
 */

const STOP_STATUS = new Set([400, 401, 403, 404]);
const LATER_STATUS = new Set([408, 429]);
const BUSY_STATUS = new Set([429, 503]);
const STATUS_TO_CODE = 4000;
const CONTENT_TOO_LARGE = 413;
/** A proxy says so without our words; repeating the message would be useless all the same. */
const TOO_LARGE_ERROR = Object.freeze({ code: "too_big", message: "the message is too big" });

/** Message too big (RFC 6455, 7.4.1). */
export const TOO_BIG = 1009;
/** Normal closure (RFC 6455, 7.4.1). */
export const NORMAL = 1000;

/** @param {string} seen @param {Partial<End>} [details] @returns {End} */
export function failed(seen, details = {}) {
  return { kind: "failed", code: null, retryAfter: null, error: null, seen, ...details };
}

/** @param {number} code @returns {End} */
export function endOfClose(code) {
  const seen = `closed with ${code}`;
  const status = code - STATUS_TO_CODE;
  if (STOP_STATUS.has(status)) return failed(seen, { kind: "stop", code });
  return failed(seen, { kind: LATER_STATUS.has(status) ? "later" : "failed", code });
}

/** @param {number | null} retryAfter ms @returns {End} */
export function endOfBye(retryAfter) {
  return failed("the server said bye", { kind: "later", retryAfter });
}

/**
 * @param {Response} response one that was no success
 * @param {number} now ms, to resolve a Retry-After that is a date
 * @returns {Promise<End>}
 */
export async function endOfResponse(response, now) {
  const { status } = response;
  const error = (await errorOf(response)) ?? (status === CONTENT_TOO_LARGE ? TOO_LARGE_ERROR : null);
  const retryAfter = parseRetryAfter(response.headers.get("Retry-After"), now);
  const details = { code: STATUS_TO_CODE + status, retryAfter, error };
  // Only our server's own words stop us: a proxy's 403 is a reason to try another rung.
  if (error && STOP_STATUS.has(status)) return failed(`HTTP ${status}`, { ...details, kind: "stop" });
  if (error && BUSY_STATUS.has(status)) return failed(`HTTP ${status}`, { ...details, kind: "later" });
  return failed(`HTTP ${status}`, { ...details, code: null });
}

/**
 * @param {string | null} header seconds or an HTTP date (RFC 9110, 10.2.3)
 * @param {number} now ms
 * @returns {number | null} ms from now
 */
export function parseRetryAfter(header, now) {
  if (!header) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
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
