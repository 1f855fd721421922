// The form in which one product is edited in its place. What others change meanwhile is merged field by field: what was
// not touched follows, what was touched stays, with the other's value beside it to take.

import htm from "htm";
import { createElement } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { text } from "../shared/page.js";
import { asText, FIELDS, inWords, readFields, rebase } from "./fields.js";

const html = htm.bind(createElement);
const LABELS = { nombre: "products.nombre", descripcion: "products.descripcion", precio: "products.precio", stock: "products.stock" };
const KINDS = { nombre: { maxlength: 255 }, precio: { inputmode: "decimal" }, stock: { inputmode: "numeric" } };

function Field({ name, id, value, wrong, theirs, set }) {
  const own = { id: `edit-${id}-${name}`, name, value, onInput: (event) => set(event.target.value) };
  const said = { "aria-invalid": wrong ? "true" : undefined, "aria-describedby": `${own.id}-wrong` };
  return html`<div class="field">
    <label for=${own.id}>${text(LABELS[name])}</label>
    ${name === "descripcion"
      ? html`<textarea ...${own} ...${said} rows="2" maxlength="2000"></textarea>`
      : html`<input ...${own} ...${said} ...${KINDS[name]} autocomplete="off" />`}
    <span class="wrong" id="${own.id}-wrong">${wrong}</span>
    ${theirs !== undefined &&
    html`<p class="theirs small" data-theirs=${name}>
      ${text("products.theirs", { value: theirs || text("products.theirs_empty") })}
      <button class="linkish" type="button" onClick=${() => set(theirs)}>${text("products.take_theirs")}</button>
    </p>`}
  </div>`;
}

/** Return what is being edited, brought up to date while others change `product`. */
function useDraft(product) {
  const [draft, setDraft] = useState({ base: product, values: asText(product), theirs: {}, note: null });
  let current = draft;
  if (!product.gone && product.version > draft.base.version) {
    const note = draft.note === "late" ? "late" : "merged";
    current = { ...draft, ...rebase(draft.values, draft.base, product, draft.theirs), base: product, note };
    setDraft(current);
  }
  const set = (name) => (value) => {
    const theirs = { ...current.theirs };
    if (theirs[name] === value) delete theirs[name];
    setDraft({ ...current, values: { ...current.values, [name]: value }, theirs });
  };
  return { ...current, set, say: (note) => setDraft((latest) => ({ ...latest, note })) };
}

function Notice({ product, note }) {
  if (product.gone) return html`<p class="notice bad" role="alert">${text("products.gone")}</p>`;
  if (note === null) return null;
  return html`<p class="notice" role="status">${text(note === "late" ? "products.merged_late" : "products.merged")}</p>`;
}

/** Edit `product`; `actions` has save(product, fields), createAgain(fields), close(). */
export function Editor({ product, actions }) {
  const { base, values, theirs, note, set, say } = useDraft(product);
  const [trouble, setTrouble] = useState({ fields: {}, message: "" });
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  useLayoutEffect(() => form.current.elements.nombre.focus(), []);
  useLayoutEffect(() => form.current.querySelector("[aria-invalid]")?.focus(), [trouble]);

  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    const { fields, wrong } = readFields(values);
    setTrouble({ fields: wrong, message: "" });
    if (Object.keys(wrong).length) return;
    setBusy(true);
    try {
      await (product.gone ? actions.createAgain(fields) : actions.save(base, changed(fields, values, base)));
    } catch (error) {
      if (error.code === "version_conflict") say("late");
      else setTrouble(inWords(error));
      setBusy(false);
    }
  };
  const escape = (event) => event.key === "Escape" && actions.close();
  return html`<form class="editor" ref=${form} onSubmit=${submit} onKeyDown=${escape} novalidate aria-label=${text("products.edit_which", { name: base.nombre })}>
    <${Notice} product=${product} note=${note} />
    ${FIELDS.map((name) => html`<${Field} key=${name} name=${name} id=${product.id} value=${values[name]} wrong=${trouble.fields[name]} theirs=${theirs[name]} set=${set(name)} />`)}
    ${trouble.message && !Object.keys(trouble.fields).length && html`<p class="notice bad" role="alert">${trouble.message}</p>`}
    <p class="editor-actions">
      <button class="button primary" type="submit" aria-disabled=${busy}>${text(busy ? "products.saving" : product.gone ? "products.create_again" : "products.save")}</button>
      <button class="button plain" type="button" onClick=${actions.close}>${text(product.gone ? "products.discard" : "products.cancel")}</button>
    </p>
  </form>`;
}

/** Return those of `fields` whose text is another than that of `base`. */
function changed(fields, values, base) {
  const before = asText(base);
  return Object.fromEntries(FIELDS.filter((name) => values[name] !== before[name]).map((name) => [name, fields[name]]));
}
