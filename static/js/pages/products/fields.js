// A product's fields as people read and write them: numbers in the page's language, forms as text, refusals in words.
// Owns what a field may be, so that most mistakes are told without asking the server. It must not touch the page.

import { language, text } from "../shared/page.js";

const SPANISH = language === "es";
const WHOLE = new Intl.NumberFormat(language, { useGrouping: "always" });
const PRICE = /^[0-9]{1,10}(\.[0-9]{1,2})?$/;
const STOCK = /^[0-9]{1,10}$/;
const LARGEST_STOCK = 2 ** 31 - 1;
const NAME_CHARACTERS = 255;
const TEXT_CHARACTERS = 2000;
const WRONG = {
  nombre: "products.wrong_nombre",
  descripcion: "products.wrong_descripcion",
  precio: "products.wrong_precio",
  stock: "products.wrong_stock",
};

export const FIELDS = Object.keys(WRONG);

/** Return the whole `number` (or BigInt) as the page's language writes it; twin of `_whole` in the domain's pages. */
export const whole = (number) => WHOLE.format(number);

/** Return `cents` (a BigInt) as dollars; twin of `_money` in the domain's pages. */
export function money(cents) {
  const rest = String(cents % 100n).padStart(2, "0");
  return `$${whole(cents / 100n)}${SPANISH ? "," : "."}${rest}`;
}

/** Return a price of the wire in whole cents, as a BigInt: the value of all pieces may be more than a number holds. */
export const cents = (precio) => BigInt(Math.round(precio * 100));

/** Return `product` as a form shows it: {field: text}. */
export function asText({ nombre, descripcion, precio, stock }) {
  const price = precio.toFixed(2);
  return { nombre, descripcion, precio: SPANISH ? price.replace(".", ",") : price, stock: String(stock) };
}

/** Read what a form holds: {fields} for the server, its price as exact text; and {wrong}, by field, in words. */
export function readFields(values) {
  const { nombre, descripcion } = values;
  const precio = values.precio.trim().replace(",", ".");
  const stock = values.stock.trim() || "0";
  const right = {
    nombre: nombre.trim() !== "" && [...nombre].length <= NAME_CHARACTERS,
    descripcion: [...descripcion].length <= TEXT_CHARACTERS,
    precio: PRICE.test(precio),
    stock: STOCK.test(stock) && Number(stock) <= LARGEST_STOCK,
  };
  const wrong = Object.fromEntries(FIELDS.filter((name) => !right[name]).map((name) => [name, text(WRONG[name])]));
  return { fields: { nombre, descripcion, precio, stock: Number(stock) }, wrong };
}

/** Return `error` of the REST interface with its fields and its reason in the page's language. */
export function inWords(error) {
  const fields = Object.fromEntries(Object.entries(error.fields ?? {}).map(([name, why]) => [name, WRONG[name] ? text(WRONG[name]) : why]));
  const message = error.code === "too_many_products" ? text("products.full") : error.message;
  return Object.assign(new Error(message), { code: error.code, data: error.data, fields });
}

/**
 * Bring what is being edited up to date: `base` is the product the editing began from, `current` what it is now.
 * Returns {values, theirs}: fields that were not touched follow; `theirs` holds what others made of those that were.
 */
export function rebase(values, base, current, theirs = {}) {
  const [before, now] = [asText(base), asText(current)];
  const merged = { ...values };
  const others = { ...theirs };
  for (const name of FIELDS) {
    if (values[name] === before[name]) merged[name] = now[name];
    else if (now[name] !== before[name]) others[name] = now[name];
    if (merged[name] === now[name]) delete others[name];
  }
  return { values: merged, theirs: others };
}
