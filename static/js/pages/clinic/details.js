// What is loaded only when somebody looks: the medical history of a pet, the payments of an invoice, what is further back.
// Owns how far that has come; the records themselves are in the store, and the stream keeps them true from then on.

import { signal } from "@preact/signals";

/** The records of `entity` that belong to one other record, by the field that names it. */
export class Details {
  #states = signal(new Map()); // id of the other record -> "loading" | "loaded" | "failed"
  #rest;

  constructor(rest, entity, field) {
    this.#rest = rest;
    this.entity = entity;
    this.field = field;
  }

  /** Return the records that belong to the record with the `id`, as far as they are here. */
  of(id) {
    return this.#rest.store.all(this.entity).filter((one) => one[this.field] === id);
  }

  stateOf(id) {
    return this.#states.value.get(id) ?? "loading";
  }

  async load(id) {
    if (["loading", "loaded"].includes(this.#states.peek().get(id))) return;
    this.#mark(id, "loading");
    try {
      await this.#rest.load(this.entity, { [this.field]: id });
      this.#mark(id, "loaded");
    } catch {
      this.#mark(id, "failed");
    }
  }

  /** Load anew what somebody has looked at. */
  async reload() {
    const known = [...this.#states.peek().keys()];
    this.#states.value = new Map();
    await Promise.all(known.map((id) => this.load(id)));
  }

  #mark(id, state) {
    this.#states.value = new Map(this.#states.peek()).set(id, state);
  }
}

/** A list that comes newest first, a page at a time. */
export class Older {
  state = signal("idle"); // idle | loading | failed | end
  #rest;

  /** `page`: how many at a time; with `held` fewer than that there is no more. */
  constructor(rest, { entity, filter = {}, page, held }) {
    this.#rest = rest;
    this.list = { entity, filter, page };
    if (held < page) this.state.value = "end";
  }

  /** Load what comes after the record with the `id`. */
  async load(id) {
    if (this.state.value === "loading") return;
    const { entity, filter, page } = this.list;
    this.state.value = "loading";
    try {
      const found = await this.#rest.page(entity, { ...filter, after: id, limit: page });
      this.state.value = found.length < page ? "end" : "idle";
    } catch {
      this.state.value = "failed";
    }
  }

  /** Begin again from the newest page. */
  async reload() {
    const { entity, filter, page } = this.list;
    const found = await this.#rest.page(entity, { ...filter, limit: page });
    this.state.value = found.length < page ? "end" : "idle";
  }
}
