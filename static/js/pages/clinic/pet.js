// One pet: what is known of it, whose it is, its next reservations, what is owed for it, and its medical history.

import htm from "htm";
import { createElement } from "preact";
import { useEffect } from "preact/hooks";
import { text } from "../shared/page.js";
import { addressOf } from "./router.js";
import { byStart, dayOf, startOf } from "./time.js";
import { dateOf, decimal, money, nameOf, ownerName, when } from "./words.js";

const html = htm.bind(createElement);

function Visits({ store, pet, act }) {
  const now = new Date().toISOString();
  const coming = (one) => one.status !== "cancelled" && one.ends_at > now;
  const next = act.visits.of(pet.pet_id).filter(coming).toSorted(byStart);
  if (!next.length) return html`<p class="muted">${text("clinic.no_visits")}</p>`;
  return html`<ul class="lines coming">
    ${next.map(
      (one) => html`<li key=${one.reservation_id}>
        <a data-stay href=${addressOf("calendar", { day: dayOf(one.starts_at) })}>${when(one.starts_at)}</a>
        <span>${nameOf(store, "services", one.service_id)}</span> <span class="muted">${nameOf(store, "employees", one.employee_id)}</span>
      </li>`,
    )}
  </ul>`;
}

function Entry({ store, entry, act }) {
  const measured = [entry.weight != null && text("clinic.weighs", { kg: decimal(entry.weight) }), nameOf(store, "employees", entry.employee_id)];
  return html`<li class=${store.isFresh("medical-history", entry.medical_history_id) ? "entry fresh" : "entry"}
    data-entry=${entry.medical_history_id}>
    <p class="entry-when"><time class="number" datetime=${entry.date}>${dateOf(startOf(entry.date))}</time>
      <span class="muted">${measured.filter(Boolean).join(" · ")}</span>
      <button class="linkish" type="button" aria-label=${text("clinic.edit_what", { what: entry.diagnosis })}
        onClick=${() => act.edit("medical-history", entry)}>${text("clinic.edit")}</button></p>
    <p class="entry-what">${entry.diagnosis}</p>
    ${entry.treatment && html`<p class="muted">${entry.treatment}</p>`}
    ${entry.notes && html`<p class="muted small">${entry.notes}</p>`}
  </li>`;
}

function History({ store, pet, act }) {
  const state = act.histories.stateOf(pet.pet_id);
  const newestFirst = (a, b) => Number(b.date > a.date) - Number(b.date < a.date) || b.medical_history_id - a.medical_history_id;
  const entries = act.histories.of(pet.pet_id).toSorted(newestFirst);
  return html`<section aria-labelledby="history-title" aria-busy=${state === "loading"}>
    <header class="bar"><h3 id="history-title">${text("clinic.history")}</h3>
      <button class="button small" type="button" onClick=${() => act.create("medical-history", { pet_id: pet.pet_id })}>${text("clinic.add_entry")}</button></header>
    ${state === "loading" && !entries.length && html`<p class="muted">${text("clinic.loading")}</p>`}
    ${state === "failed" &&
    html`<p class="notice bad">${text("clinic.load_failed")} <button class="linkish" type="button" onClick=${() => act.histories.load(pet.pet_id)}>${text("clinic.retry")}</button></p>`}
    ${state === "loaded" && !entries.length && html`<p class="muted">${text("clinic.no_history")}</p>`}
    <ol class="timeline">${entries.map((entry) => html`<${Entry} key=${entry.medical_history_id} store=${store} entry=${entry} act=${act} />`)}</ol>
  </section>`;
}

function Known({ store, pet, act }) {
  const owed = store
    .all("invoices")
    .filter((one) => one.pet_id === pet.pet_id && one.status === "open")
    .reduce((sum, one) => sum + Number(one.balance), 0);
  const followed = act.notices.owner.value === String(pet.user_id);
  const facts = [pet.species, pet.breed, pet.age != null && text(pet.age === 1 ? "clinic.year" : "clinic.years", { n: pet.age })];
  return html`<header class="pet-head">
      <a class="button plain back" data-stay href=${addressOf("owners")}>‹ ${text("clinic.back")}</a>
      <div><h2 id="pet-title">${pet.name}</h2><p class="muted">${facts.filter(Boolean).join(" · ")}</p></div>
      <button class="button" type="button" onClick=${() => act.edit("pets", pet)}>${text("clinic.edit")}</button>
    </header>
    ${pet.notes && html`<p class="pet-notes">${pet.notes}</p>`}
    <div class="owner-line">
      <div><p><span class="muted">${text("clinic.owner")}</span> <strong>${pet.owner_name || ownerName(store, pet.user_id)}</strong> <span class="muted number">${pet.owner_phone}</span></p>
      ${owed > 0 && html`<p><span class="muted">${text("clinic.owed")}</span> <a data-stay href=${addressOf("invoices")}><strong class="number">${money(owed)}</strong></a></p>`}</div>
      ${pet.user_id != null && html`<button class="button small" type="button" aria-pressed=${followed} data-follow=${pet.user_id}
        onClick=${() => act.notices.follow(followed ? null : pet.user_id)}>${text(followed ? "clinic.unfollow" : "clinic.follow")}</button>`}
    </div>`;
}

/** Draw the pet with the `id`; an invitation to choose one where that is null. */
export function PetView({ store, id, act }) {
  useEffect(() => {
    if (id === null) return;
    act.histories.load(id);
    act.visits.load(id);
  }, [id]);
  const pet = id === null ? null : store.one("pets", id);
  if (!pet) return html`<div class="pet-panel"><p class="empty">${text(id === null ? "clinic.choose_pet" : "clinic.pet_gone")}</p></div>`;
  return html`<article class="pet-panel card" aria-labelledby="pet-title">
    <${Known} store=${store} pet=${pet} act=${act} />
    <section aria-labelledby="visits-title">
      <header class="bar"><h3 id="visits-title">${text("clinic.next_visits")}</h3>
        <button class="button small" type="button" onClick=${() => act.create("reservations", { pet_id: pet.pet_id })}>${text("clinic.new_reservation")}</button></header>
      <${Visits} store=${store} pet=${pet} act=${act} />
    </section>
    <${History} store=${store} pet=${pet} act=${act} />
  </article>`;
}
