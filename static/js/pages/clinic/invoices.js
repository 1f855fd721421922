// Invoices and their payments: what is owed, what was paid, what is overdue. A payment is taken in its dialog.

import htm from "htm";
import { signal } from "@preact/signals";
import { createElement } from "preact";
import { useEffect } from "preact/hooks";
import { text } from "../shared/page.js";
import { OlderButton } from "./older.js";
import { dateOf, money, nameOf, ownerName, today } from "./words.js";
import { startOf } from "./time.js";

const html = htm.bind(createElement);
const STATES = ["open", "paid", "void"];

/** Which invoices are shown, and which of them is unfolded. */
export class InvoiceDesk {
  state = signal("open");
  unfolded = signal(null);

  /** Show open invoices at first; `older` loads more of those that are paid, and of those that are void. */
  constructor(older) {
    this.older = older;
  }

  toggle(id) {
    this.unfolded.value = this.unfolded.value === id ? null : id;
  }
}

const isOverdue = (invoice) => invoice.status === "open" && invoice.due_on < today();

function Payments({ store, invoice, act }) {
  const taken = act.payments.of(invoice.invoice_id).toSorted((a, b) => a.payment_id - b.payment_id);
  const state = act.payments.stateOf(invoice.invoice_id);
  useEffect(() => {
    act.payments.load(invoice.invoice_id);
  }, [invoice.invoice_id]);
  return html`<div class="invoice-more">
    <ul class="lines">
      ${invoice.lines.map(
        (line, at) => html`<li key=${at}><span>${line.description}${line.quantity > 1 && html` <span class="muted number">× ${line.quantity}</span>`}</span>
          <span class="number">${money(line.quantity * line.unit_price)}</span></li>`,
      )}
    </ul>
    <h2>${text("clinic.payments")}</h2>
    ${state === "failed" &&
    html`<p class="notice bad">${text("clinic.load_failed")} <button class="linkish" type="button" onClick=${() => act.payments.load(invoice.invoice_id)}>${text("clinic.retry")}</button></p>`}
    ${!taken.length && state !== "failed" && html`<p class="muted">${text(state === "loading" ? "clinic.loading" : "clinic.no_payments")}</p>`}
    <ul class="lines">
      ${taken.map(
        (one) => html`<li key=${one.payment_id} data-payment=${one.payment_id} class=${store.isFresh("payments", one.payment_id) ? "fresh" : undefined}>
          <span>${dateOf(one.paid_at)} <span class="muted">${[text(`clinic.method_${one.method}`), one.reference].filter(Boolean).join(" · ")}</span></span>
          <span class="number">${money(one.amount)}</span>
          <button class="linkish" type="button" aria-label=${text("clinic.edit_what", { what: money(one.amount) })} onClick=${() => act.edit("payments", one)}>${text("clinic.edit")}</button></li>`,
      )}
    </ul>
    ${invoice.notes && html`<p class="muted">${invoice.notes}</p>`}
    <p class="actions"><button class="button small" type="button" onClick=${() => act.edit("invoices", invoice)}>${text("clinic.edit")}</button></p>
  </div>`;
}

function Invoice({ store, desk, invoice, act }) {
  const id = invoice.invoice_id;
  const open = desk.unfolded.value === id;
  const whose = invoice.user_id != null ? ownerName(store, invoice.user_id) : "–";
  const late = isOverdue(invoice);
  return html`<li class=${["invoice", invoice.status, store.isFresh("invoices", id) && "fresh"].filter(Boolean).join(" ")} data-invoice=${id} data-status=${invoice.status}>
    <div class="invoice-row">
      <button type="button" class="invoice-name" aria-expanded=${open} onClick=${() => desk.toggle(id)}>
        <span class="muted number">${text("clinic.number", { id })}</span>
        <strong>${invoice.pet_id != null ? nameOf(store, "pets", invoice.pet_id) : whose}</strong>
        <span class="muted">${invoice.pet_id != null && whose}</span>
      </button>
      <p class=${late ? "invoice-due late" : "invoice-due muted"}>${text(late ? "clinic.overdue" : "clinic.due", { day: dateOf(startOf(invoice.due_on)) })}</p>
      <p class="invoice-sum number"><strong>${money(invoice.status === "open" ? invoice.balance : invoice.total)}</strong>
        ${invoice.status === "open" && invoice.paid > 0 && html`<span class="muted small">${text("clinic.of_total", { total: money(invoice.total) })}</span>`}</p>
      <p class="invoice-act">${
        invoice.status === "open"
          ? html`<button class="button small" type="button" data-pay onClick=${() => act.create("payments", { invoice_id: id })}>${text("clinic.pay")}</button>`
          : html`<span class="tag ${invoice.status}">${text(`clinic.invoice_${invoice.status}`)}</span>`
      }</p>
    </div>
    ${open && html`<${Payments} store=${store} invoice=${invoice} act=${act} />`}
  </li>`;
}

/** Draw the invoices in the state that is chosen, newest first. */
export function InvoicesView({ store, desk, act }) {
  const all = store.all("invoices").toSorted((a, b) => b.invoice_id - a.invoice_id);
  const of = (state) => all.filter((one) => one.status === state);
  const open = of("open");
  const overdue = open.filter(isOverdue);
  const sum = (list) => money(list.reduce((total, one) => total + one.balance, 0));
  const shown = of(desk.state.value);
  return html`<section class="invoices" aria-label=${text("clinic.view_invoices")}>
    <div class="figures">
      <p class="card"><span class="muted">${text("clinic.to_collect")}</span> <strong class="number" data-owed>${sum(open)}</strong></p>
      <p class=${overdue.length ? "card late" : "card"}><span class="muted">${text("clinic.late")}</span> <strong class="number">${sum(overdue)}</strong></p>
    </div>
    <div class="bar">
      <div class="legend" role="group" aria-label=${text("clinic.which_invoices")}>
        ${STATES.map((state) => html`<button key=${state} type="button" class="chip" aria-pressed=${desk.state.value === state}
          onClick=${() => (desk.state.value = state)}>${text(`clinic.invoices_${state}`)}${state === "open" && html` <span class="number">${open.length}</span>`}</button>`)}
      </div>
      <button class="button primary" type="button" onClick=${() => act.create("invoices")}>${text("clinic.add_invoice")}</button>
    </div>
    ${!shown.length && html`<p class="empty">${text(`clinic.no_${desk.state.value}`)}</p>`}
    <ul class="rows">${shown.map((one) => html`<${Invoice} key=${one.invoice_id} store=${store} desk=${desk} invoice=${one} act=${act} />`)}</ul>
    ${desk.older[desk.state.value] && html`<${OlderButton} older=${desk.older[desk.state.value]} last=${shown.at(-1)?.invoice_id} />`}
  </section>`;
}
