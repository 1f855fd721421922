// What a page brings with it: its texts, its data islands, and small words every page module needs.
// Owns reading the `<script type="application/json">` blocks. It must not know any page.

/** Return the JSON of the data island `id`, or `fallback` where the page has none. */
export function island(id, fallback = null) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : fallback;
}

/** Bring `link` to the middle of its row, which scrolls on a phone. (scrollIntoView would move the tabulator's start too.) */
export function center(link) {
  const row = link.parentElement;
  const [from, to] = [row, link].map((one) => one.getBoundingClientRect());
  row.scrollLeft += to.left - from.left + (to.width - from.width) / 2;
}

const here = document.querySelector(".site-nav [aria-current]");
if (here) center(here);

const texts = island("texts", {});
export const language = document.documentElement.lang || "es";

/** Return the page text `key` with its {name} places filled from `values`. */
export function text(key, values = {}) {
  const found = texts[key];
  if (found === undefined) throw new Error(`the page has no text ${key}`);
  return found.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** Return why something was refused: in the page's language where that can happen on every page, else in the server's words. */
export function why({ code, message }) {
  return texts[`live.${code}`] ?? message;
}

/** Return what is shown of a rung's name: "ws" → "WebSocket". */
export function rungName(transport) {
  return text(`live.${transport}`);
}

const TWO = "2-digit";
const CLOCK = new Intl.DateTimeFormat(language, { hour: TWO, minute: TWO, hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat(language, { hour: TWO, minute: TWO, second: TWO, hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const RELATIVE = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

export const clock = (iso) => CLOCK.format(new Date(iso));
export const seconds = (iso) => SECONDS.format(new Date(iso));

/** Return the local calendar day of `iso` as a key to compare. */
export const dayKey = (iso) => new Date(iso).toDateString();

/** Return "today", "yesterday" or the date, in the page's language, first letter large. */
export function dayName(iso) {
  const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(iso) - midnight(Date.now())) / 86_400_000);
  const name = days === 0 || days === -1 ? RELATIVE.format(days, "day") : DAY.format(new Date(iso));
  return name[0].toUpperCase() + name.slice(1);
}

/** Return how long ago `iso` was, in the largest unit that fits. */
export function ago(iso) {
  const elapsed = Math.max(0, (Date.now() - new Date(iso)) / 1000);
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (elapsed >= size) return RELATIVE.format(-Math.floor(elapsed / size), unit);
  }
  return text("live.just_now");
}

/** Return the class that gives the person `userId` a colour, the same on every page and in every template. */
export function hue(userId) {
  return `hue-${[...String(userId)].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 8}`;
}

export const initial = (username) => [...String(username).trim()][0] ?? "?";

/**
 * Ask the REST interface; resolves with its `data`. With a `key` what is asked for is done once, however often it is sent.
 * Rejects with an Error that carries `code`, `fields` (by name) and `data` (where there is some) of the refusal, or code "network".
 */
export async function api(path, { method = "GET", body, key } = {}) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  if (key !== undefined) headers["Idempotency-Key"] = key;
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  const response = await fetch(path, request).catch(() => null);
  if (!response) throw Object.assign(new Error(text("live.unreachable")), { code: "network", fields: {} });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer.data;
  const { message = response.statusText, code = String(response.status), fields = {} } = answer.error ?? {};
  throw Object.assign(new Error(why({ code, message })), { code, fields, data: answer.data });
}
