// What this window knows of the practice: one signal per entity, a map from id to whole record, and what has just changed.
// Events and answers carry whole records with their version, so that applying one twice, or late, is harmless. No network.

import { batch, computed, signal } from "@preact/signals";

export const MOST_LINES = 2000; // of the activity log, which grows for as long as the page is open
const FRESH_MS = 2600; // as long as the highlight lasts

export class Store {
  #ids;
  #tables = new Map();
  #gone = new Map();
  #staged = null;

  /** Signal of a Set of "pets/1": what changed a moment ago. */
  fresh = signal(new Set());

  /** Hold `tables`, the records that the page came with, by entity; `ids` names the id of each entity. */
  constructor(ids, tables) {
    this.#ids = ids;
    for (const entity of Object.keys(ids)) {
      this.#tables.set(entity, signal(this.#mapOf(entity, tables[entity] ?? [])));
      this.#gone.set(entity, new Set());
    }
    this.owners = computed(() => ownersOf(this.all("pets")));
  }

  get entities() {
    return [...this.#tables.keys()];
  }

  idOf(entity, record) {
    return record[this.#ids[entity]];
  }

  /** Return the records of `entity`; whoever reads them while rendering is drawn anew when they change. */
  all(entity) {
    return [...this.#tables.get(entity).value.values()];
  }

  one(entity, id) {
    return this.#tables.get(entity).value.get(id);
  }

  isFresh(entity, id) {
    return this.fresh.value.has(`${entity}/${id}`);
  }

  /** Take a `realtime_update` of the stream. */
  apply({ entity_type: entity, action, data }) {
    if (!this.#tables.has(entity)) return;
    const id = this.idOf(entity, data);
    if (action === "deleted") return this.remove(entity, id);
    this.#gone.get(entity).delete(id);
    if (this.#put(entity, [data])) this.#touch(`${entity}/${id}`);
  }

  /** Take records that REST answered with. */
  merge(entity, records) {
    this.#put(entity, records.filter((record) => !this.#gone.get(entity).has(this.idOf(entity, record))));
  }

  remove(entity, id) {
    const table = this.#table(entity);
    this.#gone.get(entity).add(id);
    if (!table.value.has(id)) return;
    const rest = new Map(table.value);
    rest.delete(id);
    table.value = rest;
  }

  /** Begin anew, for the stream could not be continued: what comes from now on is shown by `publish`, the old until then. */
  restage() {
    this.#staged = new Map(this.entities.map((entity) => [entity, { value: new Map() }]));
    for (const gone of this.#gone.values()) gone.clear();
  }

  publish() {
    const staged = this.#staged;
    this.#staged = null;
    batch(() => staged.forEach(({ value }, entity) => (this.#tables.get(entity).value = value)));
  }

  #table(entity) {
    return (this.#staged ?? this.#tables).get(entity);
  }

  #mapOf(entity, records) {
    return new Map(records.map((record) => [this.idOf(entity, record), record]));
  }

  /** Return whether any of `records` was news. */
  #put(entity, records) {
    const table = this.#table(entity);
    const news = records.filter((record) => !isOlder(record, table.value.get(this.idOf(entity, record))));
    if (!news.length) return false;
    const all = new Map([...table.value, ...this.#mapOf(entity, news)]);
    if (entity === "activity-logs") dropOldest(all, MOST_LINES);
    table.value = all;
    return true;
  }

  #touch(name) {
    this.fresh.value = new Set(this.fresh.value).add(name);
    setTimeout(() => {
      const rest = new Set(this.fresh.value);
      rest.delete(name);
      this.fresh.value = rest;
    }, FRESH_MS);
  }
}

const isOlder = (record, known) => known !== undefined && known.version !== undefined && record.version <= known.version;

function dropOldest(table, most) {
  const tooMany = table.size - most;
  if (tooMany <= 0) return;
  for (const id of [...table.keys()].sort((a, b) => a - b).slice(0, tooMany)) table.delete(id);
}

/** Return the owners of `pets`, by name: [{key, user_id, name, phone, pets}]; not all of them have a user id. */
function ownersOf(pets) {
  const owners = new Map();
  for (const pet of pets.toSorted((a, b) => a.name.localeCompare(b.name))) {
    const key = pet.user_id ?? `without an id: ${pet.owner_name}`;
    const owner = owners.get(key) ?? { key, user_id: pet.user_id, name: "", phone: "", pets: [] };
    owner.name ||= pet.owner_name;
    owner.phone ||= pet.owner_phone;
    owner.pets.push(pet);
    owners.set(key, owner);
  }
  return [...owners.values()].toSorted((a, b) => a.name.localeCompare(b.name));
}
