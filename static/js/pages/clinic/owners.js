// Owners and their pets: the list to search in, and the owner whose notices are followed.

import htm from "htm";
import { computed, signal } from "@preact/signals";
import { createElement } from "preact";
import { hue, initial, text } from "../shared/page.js";
import { PetView } from "./pet.js";
import { addressOf, place } from "./router.js";
import { plain } from "./words.js";

const html = htm.bind(createElement);
const SHOWN = 60; // owners at once; whoever looks for one of more types a letter

export class OwnerSearch {
  words = signal("");

  constructor(store) {
    this.found = computed(() => {
      const words = plain(this.words.value).split(/\s+/).filter(Boolean);
      return store.owners.value.filter((owner) => matches(owner, words));
    });
  }
}

function matches({ name, user_id, pets }, words) {
  const told = plain([name, user_id, ...pets.flatMap((pet) => [pet.name, pet.species, pet.breed])].join(" "));
  return words.every((word) => told.includes(word));
}

function Owner({ store, owner, chosen }) {
  return html`<li class="owner" data-owner=${owner.key}>
    <span class="avatar ${hue(owner.key)}" aria-hidden="true">${initial(owner.name || "?")}</span>
    <div>
      <h2>${owner.name || text("clinic.owner_number", { id: owner.user_id ?? "–" })}</h2>
      ${owner.phone && html`<p class="muted small number">${owner.phone}</p>`}
      <ul class="pets">
        ${owner.pets.map(
          (pet) => html`<li key=${pet.pet_id}>
            <a data-stay class=${store.isFresh("pets", pet.pet_id) ? "pet fresh" : "pet"} data-pet=${pet.pet_id}
              href=${addressOf("owners", { pet: pet.pet_id })} aria-current=${pet.pet_id === chosen ? "true" : undefined}>
              <strong>${pet.name}</strong> <span class="muted">${[pet.species, pet.breed].filter(Boolean).join(" · ")}</span></a>
          </li>`,
        )}
      </ul>
    </div>
  </li>`;
}

/** Draw the list and, beside it, the pet that the address names. */
export function OwnersView({ store, search, act }) {
  const found = search.found.value;
  const pet = place.value.pet;
  return html`<section class=${pet ? "owners with-pet" : "owners"} aria-label=${text("clinic.view_owners")}>
    <div class="owners-list">
      <div class="bar">
        <label class="unseen" for="owner-search">${text("clinic.search")}</label>
        <input id="owner-search" type="search" placeholder=${text("clinic.search")} value=${search.words.value}
          onInput=${(event) => (search.words.value = event.currentTarget.value)} />
        <button class="button primary" type="button" onClick=${() => act.create("pets")}>${text("clinic.add_pet")}</button>
      </div>
      <p class="unseen" role="status">${text("clinic.found", { n: found.length })}</p>
      ${!found.length && html`<p class="empty">${text(search.words.value ? "clinic.no_match" : "clinic.no_pets")}</p>`}
      <ul class="rows">${found.slice(0, SHOWN).map((owner) => html`<${Owner} key=${owner.key} store=${store} owner=${owner} chosen=${pet} />`)}</ul>
      ${found.length > SHOWN && html`<p class="muted small">${text("clinic.more_owners", { n: found.length - SHOWN })}</p>`}
    </div>
    <${PetView} store=${store} id=${pet} act=${act} />
  </section>`;
}
