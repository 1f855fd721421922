// One labelled field of a dialog, of the kind its description says, with what is wrong with it beside it.

import htm from "htm";
import { createElement } from "preact";
import { text } from "../shared/page.js";
import { Lines } from "./lines.js";

const html = htm.bind(createElement);

/** What the kinds of field are in HTML; `options` makes a choice, `kind: "long"` a text of several lines. */
const INPUTS = {
  text: { type: "text" },
  user: { type: "text" },
  email: { type: "email", inputmode: "email" },
  phone: { type: "tel", inputmode: "tel" },
  money: { type: "text", inputmode: "decimal" },
  number: { type: "text", inputmode: "numeric" },
  decimal: { type: "text", inputmode: "decimal" },
  date: { type: "date" },
  time: { type: "time", step: 300 },
};

function Input({ field, common, value, options, dialogs }) {
  if (field.kind === "lines") return html`<${Lines} common=${common} lines=${value} store=${dialogs.store} onChange=${(lines) => dialogs.set(field.name, lines)} />`;
  if (field.kind === "long") return html`<textarea ...${common} rows="3" maxlength=${field.max} value=${value}></textarea>`;
  if (!options) return html`<input ...${common} ...${INPUTS[field.kind]} maxlength=${field.max} value=${value} />`;
  return html`<select ...${common} value=${String(value ?? "")}>
    ${options.map(([id, name]) => html`<option key=${id} value=${String(id)} selected=${String(id) === String(value ?? "")}>${name}</option>`)}
  </select>`;
}

/** Draw `field` of the dialog that is open in `dialogs`. */
export function Field({ field, dialogs }) {
  const id = `field-${field.name}`;
  const wrong = dialogs.wrong.value[field.name];
  const draft = dialogs.draft.value;
  const options = field.options?.(dialogs.store, draft);
  if (field.only && !field.only(dialogs.open.value.record, draft)) return null;
  const common = {
    id,
    name: field.name,
    autocomplete: "off",
    required: field.needed,
    "aria-invalid": wrong ? "true" : undefined,
    "aria-describedby": `${id}-wrong`,
    onInput: (event) => dialogs.set(field.name, event.currentTarget.value),
  };
  return html`<div class=${field.wide || field.kind === "long" ? "field wide" : "field"}>
    <label for=${id}>${text(`clinic.field_${field.label ?? field.name}`)}${!field.needed && field.kind !== "choice" && html` <span class="muted">${text("clinic.optional")}</span>`}</label>
    <${Input} field=${field} common=${common} value=${draft[field.name] ?? ""} options=${options} dialogs=${dialogs} />
    <span class="wrong" id=${`${id}-wrong`}>${wrong}</span>
  </div>`;
}
