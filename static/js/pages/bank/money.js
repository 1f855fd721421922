// Amounts of dollars: as they are shown, and as people type them. Pure. What is typed is never made a binary fraction.

import { language } from "../shared/page.js";

const DOLLARS = new Intl.NumberFormat(language === "en" ? "en-US" : "es-EC", { style: "currency", currency: "USD" });
const PLAIN = /^\d{1,12}(\.\d{1,2})?$/;

/** Return the dollars `amount` as the server's pages write them: "$5.250,00". */
export const money = (amount) => DOLLARS.format(amount);

/** Return the movement's amount with what it did to the balance: "+$50,00". */
export const signed = ({ tipo, monto }) => `${tipo === "retiro" ? "−" : "+"}${money(monto)}`;

/** Return what somebody typed as the decimal text the server takes, or null: "$ 120,5" → "120.5". */
export function plainAmount(typed) {
  const plain = typed.trim().replace(/^\$\s*/, "").replace(",", ".");
  return PLAIN.test(plain) ? plain : null;
}
