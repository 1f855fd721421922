// A product on the shelves: looked at, edited in its place, deleted after a question.
// A card that is looked at has the same markup as in the server's page, so that taking over shows no flash.

import htm from "htm";
import { createElement } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { text } from "../shared/page.js";
import { Editor } from "./editor.js";
import { cents, inWords, money, whole } from "./fields.js";

const html = htm.bind(createElement);
const LOW = 5;

function Stock({ stock }) {
  if (stock === 0) return html`<span class="chip number bad">${text("products.out")}</span>`;
  if (stock <= LOW) return html`<span class="chip number low">${text("products.low", { n: stock })}</span>`;
  return html`<span class="chip number">${text("products.pieces", { n: whole(stock) })}</span>`;
}

function Shown({ product, mayChange, onEdit, onDelete, refocus }) {
  const name = product.nombre;
  const value = money(cents(product.precio) * BigInt(product.stock));
  const buttons = { edit: useRef(null), delete: useRef(null) };
  useLayoutEffect(() => buttons[refocus?.to]?.current.focus(), [refocus]);
  return html`<header class="product-head"><h3>${name}</h3><span class="number muted small">#${product.id}</span></header>
    <p class="product-text muted small">${product.descripcion}</p>
    <p class="product-price"><strong class="number">${money(cents(product.precio))}</strong> <${Stock} stock=${product.stock} /></p>
    <p class="product-foot">
      <span class="muted small">${text("products.value")} <span class="number">${value}</span></span>
      ${mayChange && html`<span class="product-actions">
        <button class="linkish" type="button" ref=${buttons.edit} aria-label=${text("products.edit_which", { name })} onClick=${onEdit}>${text("products.edit")}</button>
        <button class="linkish bad" type="button" ref=${buttons.delete} aria-label=${text("products.delete_which", { name })} onClick=${onDelete}>${text("products.delete")}</button>
      </span>`}
    </p>`;
}

function Question({ product, onYes, onNo }) {
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  const asked = useRef(product); // what was on the card when it was asked about
  const no = useRef(null);
  useLayoutEffect(() => no.current.focus(), []);
  const changed = product.version !== asked.current.version;
  const yes = async () => {
    if (busy) return;
    setBusy(true);
    setTrouble(null);
    try {
      await onYes(product);
    } catch (error) {
      if (error.code !== "version_conflict") setTrouble(inWords(error).message);
      setBusy(false);
    }
  };
  return html`<div class="sure" role="alertdialog" aria-label=${text("products.delete_which", { name: product.nombre })} onKeyDown=${(event) => event.key === "Escape" && onNo()}>
    <p>${text(changed ? "products.sure_changed" : "products.sure", { name: product.nombre })}</p>
    ${trouble && html`<p class="notice bad" role="alert">${trouble}</p>`}
    <p class="editor-actions">
      <button class="button danger" type="button" aria-disabled=${busy} onClick=${yes}>${text("products.delete_yes")}</button>
      <button class="button plain" type="button" ref=${no} onClick=${onNo}>${text("products.cancel")}</button>
    </p>
  </div>`;
}

/** Draw one card; `shop` has mayChange, save(product, fields), create(fields), remove(product), editing(id, whether). */
export function Card({ product, fresh, shop }) {
  const [mode, setMode] = useState("shown");
  const [refocus, setRefocus] = useState(null);
  const back = (to) => {
    shop.editing(product.id, false);
    setRefocus({ to });
    setMode("shown");
  };
  const actions = {
    save: (base, fields) => shop.save(base, fields).then(() => back("edit")),
    createAgain: (fields) => shop.create(fields).then(() => back("edit")),
    close: () => back("edit"),
  };
  const edit = () => {
    shop.editing(product.id, true);
    setMode("edit");
  };
  const shown = html`<${Shown} key="shown" product=${product} mayChange=${shop.mayChange} refocus=${refocus} onEdit=${edit} onDelete=${() => setMode("asking")} />`;
  return html`<article class="card product ${mode}" data-id=${product.id} data-version=${product.version}>
    ${mode === "edit" ? html`<${Editor} product=${product} actions=${actions} />` : shown}
    ${mode === "asking" && html`<${Question} product=${product} onYes=${shop.remove} onNo=${() => back("delete")} />`}
    ${fresh && html`<span class="flash" key=${product.version} aria-hidden="true"></span>`}
  </article>`;
}
