// The one dialog of the clinic, as drawn: a form for a new record or a known one, made of the fields of forms.js.
// Owns the native <dialog>, which gives the focus back to where it was. What is typed and sent is the affair of dialogs.js.

import htm from "htm";
import { createElement } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { text } from "../shared/page.js";
import { Field } from "./field.js";
import { FORMS } from "./forms.js";

const html = htm.bind(createElement);
const FIRST = ".fields :is(input, select, textarea)"; // has the focus at first

/** Draw the buttons for what is done most with a record, at one press. */
function Quick({ dialogs, spec }) {
  const acts = (spec.record && FORMS[spec.entity].quick?.filter(({ when }) => when(spec.record))) ?? [];
  if (!acts.length) return null;
  const run = ({ change, create }) => (change ? dialogs.change(change) : dialogs.create(...create(spec.record, dialogs.store)));
  return html`<p class="quick">
    ${acts.map((one) => html`<button key=${one.name} class="button small" type="button" data-quick=${one.name} onClick=${() => run(one)}>${text(`clinic.quick_${one.name}`)}</button>`)}
  </p>`;
}

function Foot({ dialogs, spec }) {
  return html`<footer class="actions">
    <button class="button primary" type="submit" aria-disabled=${dialogs.busy.value}>${text("clinic.save")}</button>
    <button class="button" type="button" onClick=${() => dialogs.close()}>${text("clinic.close")}</button>
    ${spec.record && html`<button class="button plain danger" type="button" data-delete onClick=${() => dialogs.remove()}>${text(dialogs.sure.value ? "clinic.delete_sure" : "clinic.delete")}</button>`}
  </footer>`;
}

function Body({ dialogs, spec }) {
  const form = useRef(null);
  const wrong = dialogs.wrong.value;
  useLayoutEffect(() => {
    form.current.querySelector("[aria-invalid=true]")?.focus();
  }, [wrong]);
  const onSubmit = (event) => {
    event.preventDefault();
    dialogs.submit();
  };
  const { singular, fields } = FORMS[spec.entity];
  return html`<form ref=${form} novalidate onSubmit=${onSubmit}>
    <h2 id="dialog-title">${text(`clinic.${spec.record ? "edit" : "new"}_${singular}`)}</h2>
    ${dialogs.overtaken && html`<p class="notice" role="status">${text("clinic.changed")} <button class="linkish" type="button" onClick=${() => dialogs.refresh()}>${text("clinic.show_new")}</button></p>`}
    <${Quick} dialogs=${dialogs} spec=${spec} />
    <div class="fields">${fields.map((field) => html`<${Field} key=${field.name} field=${field} dialogs=${dialogs} />`)}</div>
    <p class="notice bad" role="alert" hidden=${!dialogs.message.value}>${dialogs.message.value}</p>
    <${Foot} dialogs=${dialogs} spec=${spec} />
  </form>`;
}

/** Draw the dialog that is open. */
export function Dialog({ dialogs }) {
  const element = useRef(null);
  const spec = dialogs.open.value;
  const key = spec && `${spec.entity}/${spec.record ? `${dialogs.store.idOf(spec.entity, spec.record)}/${spec.record.version}` : "new"}`;
  // The focus is set before the dialog is painted: a field that somebody types into already must not lose it.
  useLayoutEffect(() => {
    if (spec && !element.current.open) element.current.showModal();
    if (!spec && element.current.open) element.current.close();
    if (spec) element.current.querySelector(FIRST).focus();
  }, [key]);
  return html`<dialog ref=${element} class="sheet" aria-labelledby="dialog-title" onClose=${() => dialogs.close()}>
    ${spec && html`<${Body} key=${key} dialogs=${dialogs} spec=${spec} />`}
  </dialog>`;
}
