// How numbers of the administration page are written, in the page's language. Pure.

import { language } from "../shared/page.js";

const STEPS = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];
const plain = (value, digits) => value.toLocaleString(language, { maximumFractionDigits: digits });
const digitsOf = (value) => (value === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2);

/** Return a number as it is shown: 12.5 → "12,5"; 1234567 → "1,23 M". */
export function count(value) {
  if (!Number.isFinite(value)) return "–";
  const step = STEPS.find(([size]) => value >= size * 10);
  return step ? `${plain(value / step[0], digitsOf(value / step[0]))} ${step[1]}` : plain(value, digitsOf(value));
}

/** Return bytes in units of 1000: "12,3 kB". */
export function bytes(value) {
  if (!Number.isFinite(value)) return "–";
  const step = STEPS.find(([size]) => value >= size);
  return step ? `${plain(value / step[0], digitsOf(value / step[0]))} ${step[1]}B` : `${plain(value, 0)} B`;
}

export const milliseconds = (value) => (Number.isFinite(value) ? `${plain(value, digitsOf(value))} ms` : "–");
export const percent = (value) => (Number.isFinite(value) ? `${plain(value * 100, value < 0.1 ? 1 : 0)} %` : "–");

/** Return seconds as the two largest units: "2 h 5 min". */
export function span(seconds) {
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}
