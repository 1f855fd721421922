// Between what is typed and what is sent: the values of a form's fields from a record, and the body made of them. Pure.

import { text } from "../shared/page.js";

const number = (typed) => Number(String(typed).trim().replace(",", "."));
const isWhole = (typed) => /^\d{1,9}$/.test(String(typed).trim());
const isAmount = (typed) => /^\d{1,9}([.,]\d{1,2})?$/.test(String(typed).trim());

/** Return what is sent for `typed` in a field of a kind; throws an Error that says what it may be. */
const READ = {
  id: (typed) => number(typed),
  number: (typed) => (isWhole(typed) ? number(typed) : fail("clinic.wrong_whole")),
  money: (typed) => (isAmount(typed) ? number(typed) : fail("clinic.wrong_money")),
  decimal: (typed) => (Number.isFinite(number(typed)) ? number(typed) : fail("clinic.wrong_number")),
  choice: (typed) => ({ true: true, false: false })[typed] ?? typed,
  lines: readLines,
};

/** What stands for "nothing" where a field is left empty. */
const NOTHING = { text: "", long: "", phone: "", email: "" }; // else null

function readLines(lines) {
  const filled = lines.filter((line) => line.description.trim() || String(line.unit_price).trim());
  return filled.length ? filled.map(readLine) : fail("clinic.wrong_needed");
}

function readLine({ description, quantity, unit_price }) {
  if (!description.trim()) fail("clinic.wrong_line");
  if (!isAmount(unit_price)) fail("clinic.wrong_money");
  if (!isWhole(quantity) || number(quantity) < 1) fail("clinic.wrong_whole");
  return { description: description.trim(), quantity: number(quantity), unit_price: number(unit_price) };
}

function fail(key) {
  throw new Error(text(key));
}

/** Return what the form shows of `record`: numbers as people type them. */
export function valuesOf(fields, record) {
  const shown = (field, value) => {
    if (value == null) return "";
    if (field.kind === "money") return value.toFixed(2);
    if (field.kind === "lines") return value.map((line) => ({ ...line, unit_price: line.unit_price.toFixed(2) }));
    return value;
  };
  return Object.fromEntries(fields.map((field) => [field.name, shown(field, record[field.name])]));
}

/**
 * Return {body} with the fields that differ from `before`, or {wrong}, the reasons by field name, where some cannot be.
 */
export function bodyOf(fields, draft, before) {
  const body = {};
  const wrong = {};
  for (const { name, kind, unsent } of fields) {
    if (unsent || draft[name] === before[name]) continue;
    const typed = draft[name];
    try {
      if (String(typed).trim() === "") body[name] = NOTHING[kind] ?? null;
      else body[name] = READ[kind]?.(typed) ?? String(typed).trim();
    } catch (error) {
      wrong[name] = error.message;
    }
  }
  return Object.keys(wrong).length ? { wrong } : { body };
}
