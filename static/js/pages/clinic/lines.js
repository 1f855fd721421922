// The lines of an invoice in its dialog: what, how many, at what price; a service chosen by name brings its price.

import htm from "htm";
import { createElement } from "preact";
import { text } from "../shared/page.js";
import { money } from "./words.js";

const html = htm.bind(createElement);
const MOST = 50;
const EMPTY = { description: "", quantity: "1", unit_price: "" };
const amount = (typed) => Number(String(typed).replace(",", ".")) || 0;

/** Draw `lines`, [{description, quantity, unit_price}] as typed; `onChange` gets them changed. */
export function Lines({ common, lines, store, onChange }) {
  const services = store.all("services").filter((one) => one.active);
  const set = (at, name, value) => {
    const line = { ...lines[at], [name]: value };
    const service = name === "description" && services.find((one) => one.name === value);
    if (service) line.unit_price = service.price.toFixed(2);
    onChange(lines.with(at, line));
  };
  const cell = (at, name, more = {}) => html`<input name=${`${name}-${at}`} value=${lines[at][name]} autocomplete="off"
    aria-label=${text(`clinic.line_${name}`, { n: at + 1 })} aria-describedby=${common["aria-describedby"]}
    aria-invalid=${common["aria-invalid"]} onInput=${(event) => set(at, name, event.currentTarget.value)} ...${more} />`;
  const total = lines.reduce((sum, line) => sum + amount(line.quantity) * amount(line.unit_price), 0);
  return html`<div class="invoice-lines">
    <datalist id="service-names">${services.map((one) => html`<option value=${one.name}></option>`)}</datalist>
    <ol>
      ${lines.map(
        (_, at) => html`<li key=${at}>
          ${cell(at, "description", { id: at === 0 ? common.id : undefined, list: "service-names", maxlength: 80, placeholder: text("clinic.what") })}
          ${cell(at, "quantity", { inputmode: "numeric", size: 3 })}
          ${cell(at, "unit_price", { inputmode: "decimal", placeholder: "0.00", size: 7 })}
          <button class="button plain" type="button" aria-label=${text("clinic.line_remove", { n: at + 1 })}
            disabled=${lines.length === 1} onClick=${() => onChange(lines.toSpliced(at, 1))}>✕</button>
        </li>`,
      )}
    </ol>
    <p><button class="linkish" type="button" disabled=${lines.length >= MOST} onClick=${() => onChange([...lines, EMPTY])}>${text("clinic.line_add")}</button>
      <strong class="number">${money(total)}</strong></p>
  </div>`;
}
