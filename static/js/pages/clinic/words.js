// How the clinic's page writes money, days, hours and names. It must not change anything.

import { clock, language, text } from "../shared/page.js";
import { dayOf, startOf } from "./time.js";

const PLACE = language === "es" ? "es-EC" : "en-US"; // where the money is dollars
const MONEY = new Intl.NumberFormat(PLACE, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" });
const DECIMAL = new Intl.NumberFormat(PLACE, { maximumFractionDigits: 3 });
const WEEKDAY = new Intl.DateTimeFormat(language, { weekday: "short" });
const DATE = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
const WHOLE_DAY = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });

/** Return "$12,50" of an amount in dollars. */
export const money = (amount) => MONEY.format(Number(amount));
export const decimal = (number) => DECIMAL.format(number);
export const weekday = (day) => WEEKDAY.format(startOf(day)).replace(".", "");
export const dateOf = (time) => DATE.format(new Date(time));
export const wholeDay = (day) => capital(WHOLE_DAY.format(startOf(day)));
export const weekRange = (first, last) => DATE.formatRange(startOf(first), startOf(last));
export const span = ({ starts_at, ends_at }) => `${clock(starts_at)}–${clock(ends_at)}`;
export const when = (time) => `${dateOf(time)}, ${clock(time)}`;
export const today = () => dayOf(Date.now());
const capital = (words) => words[0].toLocaleUpperCase(language) + words.slice(1);

/** Return the class that gives an employee a colour; the first eight of a practice all have one of their own. */
export const employeeHue = (id) => `hue-${(Number(id) || 0) % 8}`;

/** Return the name of a record that another refers to; what is not known is told by its number. */
export function nameOf(store, entity, id) {
  if (id == null) return "–";
  return store.one(entity, id)?.name ?? text("clinic.number", { id });
}

/** Return who an owner is, by what their pets say. */
export function ownerName(store, userId) {
  const owner = store.owners.value.find((one) => String(one.user_id) === String(userId));
  return owner?.name || text("clinic.owner_number", { id: userId });
}

/** Return `words` without capitals and accents, to search in. */
export const plain = (words) => String(words).normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
