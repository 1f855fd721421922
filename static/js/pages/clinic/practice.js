// What the practice offers and who works in it: two lists to read and to change.

import htm from "htm";
import { createElement } from "preact";
import { text } from "../shared/page.js";
import { employeeHue, money } from "./words.js";

const html = htm.bind(createElement);
const order = (a, b) => Number(b.active) - Number(a.active) || a.name.localeCompare(b.name);

function Row({ store, entity, record, act, children }) {
  const id = store.idOf(entity, record);
  const classes = ["thing", !record.active && "off", store.isFresh(entity, id) && "fresh"].filter(Boolean).join(" ");
  return html`<li class=${classes} data-thing=${`${entity}/${id}`}>
    ${children}
    ${!record.active && html`<span class="tag">${text("clinic.inactive")}</span>`}
    <button class="button small" type="button" aria-label=${text("clinic.edit_what", { what: record.name })} onClick=${() => act.edit(entity, record)}>${text("clinic.edit")}</button>
  </li>`;
}

function Service({ store, record, act }) {
  return html`<${Row} store=${store} entity="services" record=${record} act=${act}>
    <div class="thing-words"><h3>${record.name}</h3><p class="muted small">${record.description}</p></div>
    <p class="thing-price number"><strong>${money(record.price)}</strong> <span class="muted small">${text("clinic.minutes", { n: record.duration_minutes })}</span></p>
  <//>`;
}

function Employee({ store, record, act }) {
  const reach = [record.phone, record.email].filter(Boolean).join(" · ");
  return html`<${Row} store=${store} entity="employees" record=${record} act=${act}>
    <i class="dot ${employeeHue(record.employee_id)}" aria-hidden="true"></i>
    <div class="thing-words"><h3>${record.name}</h3><p class="muted small">${record.role}</p>${reach && html`<p class="muted small number">${reach}</p>`}</div>
  <//>`;
}

function List({ store, entity, title, add, none, act, as: Thing }) {
  const records = store.all(entity).toSorted(order);
  return html`<section aria-labelledby=${`${entity}-title`}>
    <header class="bar"><h2 id=${`${entity}-title`}>${title}</h2>
      <button class="button" type="button" data-add=${entity} onClick=${() => act.create(entity)}>${add}</button></header>
    ${!records.length && html`<p class="empty">${none}</p>`}
    <ul class="rows">${records.map((record) => html`<${Thing} key=${store.idOf(entity, record)} store=${store} record=${record} act=${act} />`)}</ul>
  </section>`;
}

/** Draw the services and the employees side by side. */
export function PracticeView({ store, act }) {
  return html`<div class="practice">
    <${List} store=${store} entity="services" title=${text("clinic.services")} add=${text("clinic.add_service")} none=${text("clinic.no_services")} act=${act} as=${Service} />
    <${List} store=${store} entity="employees" title=${text("clinic.employees")} add=${text("clinic.add_employee")} none=${text("clinic.no_employees")} act=${act} as=${Employee} />
  </div>`;
}
