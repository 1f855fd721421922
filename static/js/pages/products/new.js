// The form that makes a product. Owns the key of what the form says: sent twice, it is made once.

import { Keys } from "../../envivo/messages.js";
import { onSubmit } from "../shared/form.js";
import { text } from "../shared/page.js";
import { inWords, readFields } from "./fields.js";

/** Wire `form` to `shop`, which has create(fields, key). */
export function mountNew(form, shop) {
  const keys = new Keys();
  const said = document.getElementById("new-said");
  let key = keys.next();
  form.addEventListener("input", () => {
    key = keys.next();
    said.textContent = "";
  });
  onSubmit(form, async (values) => {
    const { fields, wrong } = readFields(values);
    if (Object.keys(wrong).length) throw Object.assign(new Error(), { fields: wrong });
    await shop.create(fields, key).catch((error) => Promise.reject(inWords(error)));
    key = keys.next();
    form.reset();
    said.textContent = text("products.created", { name: fields.nombre });
    form.elements.nombre.focus();
  });
}
