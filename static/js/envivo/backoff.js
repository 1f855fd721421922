/**
 * The time of the next try: full-jitter back-off and the plan of one waiting period. This module is
 * pure: clock and dice come from the caller. It knows nothing of transports.
 */

/**
 * Draw a delay evenly between 0 and an exponentially growing bound (full jitter), so that clients
 * which lost the same server do not come back in step.
 *
 * @param {number} attempt 0 for the first retry
 * @param {{base: number, cap: number, random?: () => number}} shape base and cap in ms
 * @returns {number} delay in whole ms, at most `cap`
 */
export function fullJitter(attempt, { base, cap, random = Math.random }) {
  return Math.round(random() * Math.min(cap, base * 2 ** attempt));
}

/**
 * @typedef {object} RetryPlan
 * @property {number} notBefore time (ms) the server asked us to stay away until; binds always
 * @property {number} due time (ms) of the next try while the page is seen
 * @property {number} dueHidden time (ms) of the next try while it is not
 */

/**
 * @param {object} facts
 * @param {number} facts.now ms
 * @param {number} facts.delay back-off drawn for this wait, ms
 * @param {number | null} facts.retryAfter what the server asked for, ms
 * @param {number} facts.lastTry time of the previous try, ms
 * @param {number} facts.hiddenSpacing least ms between two tries of a hidden page
 * @returns {RetryPlan}
 */
export function planRetry({ now, delay, retryAfter, lastTry, hiddenSpacing }) {
  const notBefore = now + (retryAfter ?? 0);
  // A server that named a time has already spread its clients out, so no jitter is added.
  const due = retryAfter === null ? now + delay : notBefore;
  return { notBefore, due, dueHidden: Math.max(due, lastTry + hiddenSpacing) };
}

/**
 * @param {RetryPlan} plan
 * @param {boolean} hidden whether the page is hidden now
 * @returns {number} time (ms) of the next try
 */
export function retryTime(plan, hidden) {
  return hidden ? plan.dueHidden : plan.due;
}
