// The bank's forms: amounts are checked before they leave, refusals are told in the page's language, and a command has
// one key until it has succeeded or something else is asked for, so that pressing again never does it twice.

import { Keys } from "../../envivo/messages.js";
import { onSubmit } from "../shared/form.js";
import { api, text } from "../shared/page.js";
import { plainAmount } from "./money.js";

const keys = new Keys();
const WRONG = { cedula: "bank.cedula_wrong", nombre: "bank.name_wrong", monto: "bank.too_much", saldo_inicial: "bank.too_much" };

/** Return an Error that says what is wrong by field. */
export const wrongFields = (fields) => Object.assign(new Error(), { fields });

function inWords(error) {
  const { code } = error;
  if (code === "fondos_insuficientes") error.fields = { monto: text("bank.insufficient") };
  else if (code === "saldo_maximo") error.fields = { monto: text("bank.too_much") };
  else if (code === "cuenta_existente") error.fields = { cedula: text("bank.cedula_taken") };
  else if (code === "network") error.message = text("bank.unknown_outcome");
  else error.fields = Object.fromEntries(Object.entries(error.fields).map(([name, why]) => [name, WRONG[name] ? text(WRONG[name]) : why]));
  return error;
}

/**
 * Send `form` to the REST address `path`. `bodyOf(values)` makes the body, or throws `wrongFields`; `done(data, body)` is
 * told of the success, before which the form takes nothing else.
 */
export function mountCommand(form, path, bodyOf, done) {
  let asked = "";
  let key = "";
  onSubmit(form, async (values) => {
    const body = bodyOf(values);
    if (asked !== JSON.stringify(body)) [asked, key] = [JSON.stringify(body), keys.next()];
    const data = await api(path, { method: "POST", body, key }).catch((error) => {
      throw inWords(error);
    });
    asked = "";
    done(data, body);
  });
}

/** Deposit or withdraw: `said` is the text key of the success, `settled(receipt)` is told of it. */
export function mountMove({ form, path, cedula, said, settled }) {
  const bodyOf = ({ monto }) => {
    const amount = plainAmount(monto);
    if (!amount || !Number(amount)) throw wrongFields({ monto: text("bank.amount_wrong") });
    return { cedula, monto: amount };
  };
  mountCommand(form, path, bodyOf, (receipt, { monto }) => {
    form.reset();
    settled(receipt, said, monto);
  });
}
