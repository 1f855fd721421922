// Values and alerts in the words of the page's language. Knows no element.

import { language, text } from "../shared/page.js";
import { MEASURES } from "./series.js";

const byName = new Map(MEASURES.map((measure) => [measure.name, measure]));

/** Return `value` with `digits` decimals, a dash where there is none. */
export const decimal = (value, digits) =>
  Number.isFinite(value) ? value.toLocaleString(language, { maximumFractionDigits: digits, minimumFractionDigits: digits }) : "–";

/** Return `value` as short as it can be written. */
export const short = (value) => value.toLocaleString(language, { maximumFractionDigits: 2 });

/** Return a value of the measure `name` as it is kept, with its unit; pH has none. */
export const exactly = (name, value) => withUnit(name, short(value));

function withUnit(name, shown) {
  const { unit } = byName.get(name);
  return unit === "pH" ? shown : `${shown} ${unit}`;
}

/** Return what an alert says. */
export function sentence({ cause, measure, threshold }) {
  if (measure === null) return text(`telemetry.alert_${cause}`);
  const limit = threshold === null ? "" : exactly(measure, threshold);
  return text(`telemetry.alert_${cause}`, { measure: measure === "ph" ? "pH" : text(`telemetry.${measure}`), limit });
}

/**
 * Return the number that a person wrote, with a comma or a point before the decimals; null where it is none.
 */
export function numberOf(written) {
  const plain = written.trim().replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null;
}
