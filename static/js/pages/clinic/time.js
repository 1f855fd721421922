// Days, weeks and the lanes of a calendar: arithmetic on dates in the visitor's own time zone. Pure.
// A day is written as in `<input type="date">`: "2026-11-23". It must not know any page or record.

export const DAY_MINUTES = 24 * 60;
const FIRST_HOUR = 8;
const LAST_HOUR = 19;
const pad = (number) => String(number).padStart(2, "0");

/** Return the day of a Date (or of an ISO time) as "2026-11-23". */
export function dayOf(time) {
  const date = new Date(time);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** Return the midnight with which `day` begins, a Date. */
export function startOf(day) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date);
}

export function addDays(day, days) {
  const date = startOf(day);
  date.setDate(date.getDate() + days);
  return dayOf(date);
}

/** Return the Monday of the week in which `day` is. */
export const mondayOf = (day) => addDays(day, -((startOf(day).getDay() + 6) % 7));

/** Return the minute of its day at which an ISO time is, 0 to 1439. */
export function minuteOf(time) {
  const date = new Date(time);
  return date.getHours() * 60 + date.getMinutes();
}

/** Return "09:05" of an ISO time, for `<input type="time">`. */
export const hourOf = (time) => hourAt(minuteOf(time));
export const hourAt = (minute) => `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}`;

/** Return the ISO time of `day` at `hour` ("09:05"); null when one of them is none. */
export function timeAt(day, hour) {
  const [hours, minutes] = hour.split(":").map(Number);
  const date = /^\d{4}-\d\d-\d\d$/.test(day) ? startOf(day) : new Date(NaN);
  date.setHours(hours, minutes);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

export const later = (time, minutes) => new Date(new Date(time).getTime() + minutes * 60_000).toISOString();
export const minutesBetween = (from, to) => Math.round((new Date(to) - new Date(from)) / 60_000);

/** Return `text` if it is a day that exists ("2026-11-23"), else `fallback`. */
export function dayIn(text, fallback) {
  return text && /^\d{4}-\d\d-\d\d$/.test(text) && dayOf(startOf(text)) === text ? text : fallback;
}

/** Return {from, to}, the whole hours that hold all `entries` ({starts_at, ends_at}) and the usual opening hours. */
export function hoursOf(entries) {
  const starts = entries.map(({ starts_at }) => Math.floor(minuteOf(starts_at) / 60));
  const ends = entries.map((entry) => Math.ceil(endMinute(entry) / 60));
  return { from: Math.min(FIRST_HOUR, ...starts), to: Math.max(LAST_HOUR, ...ends) };
}

/** Return the minute of its first day at which an entry ends; what goes beyond midnight ends there. */
export function endMinute({ starts_at, ends_at }) {
  return dayOf(ends_at) === dayOf(starts_at) ? minuteOf(ends_at) : DAY_MINUTES;
}

/** Order by beginning, then by end; ISO times of one form are in the order of their letters. */
export const byStart = (a, b) => compare(a.starts_at, b.starts_at) || compare(a.ends_at, b.ends_at);
const compare = (a, b) => Number(a > b) - Number(a < b);

/**
 * Return [{entry, lane, of}] of the `entries` of one day, first those that start first: each in the first lane that is
 * free, and `of` the number of lanes of the entries that it overlaps, directly or by way of others.
 */
export function lanes(entries) {
  const placed = [];
  let group = [];
  let free = []; // the end of what stands last in each lane of the group
  const close = () => group.forEach((one) => (one.of = free.length));
  const inOrder = entries.toSorted(byStart);
  for (const entry of inOrder) {
    if (free.every((end) => end <= entry.starts_at)) {
      close();
      group = [];
      free = [];
    }
    const found = free.findIndex((end) => end <= entry.starts_at);
    const lane = found < 0 ? free.length : found;
    free[lane] = entry.ends_at;
    const one = { entry, lane, of: 1 };
    group.push(one);
    placed.push(one);
  }
  close();
  return placed;
}
