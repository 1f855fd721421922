// The clinic's REST interface as its page uses it: in whose name, where answers go (the store), and what a refusal is
// called in the page's language. Drawing is others' affair.

import { api, clock, text } from "../shared/page.js";

const PAGE = 200;
const MOST_PAGES = 25; // of a list that is loaded whole
const KINDS = ["pets", "reservations", "invoices", "payments", "medical-history"]; // that may refer to something
const TOLD = ["overlap", "inactive", "invalid_transition", "less_than_paid", "void", "paid", "more_than_owed", "bad_request", "version_conflict"];

export class Rest {
  #person;

  /**
   * Write records in the name of `person` ({user_id, username}), or of nobody (null). Lists are loaded without the
   * name, which the server would take for a filter.
   */
  constructor(store, person) {
    this.store = store;
    this.#person = person;
  }

  /** Save `values` as a new record of `entity`, or into the one with this `id`; returns the record. */
  async save(entity, values, { id = null, key } = {}) {
    const [method, path] = id === null ? ["POST", entity] : ["PUT", `${entity}/${id}`];
    const record = await this.#ask(path, this.#person, { method, body: values, key });
    this.store.merge(entity, [record]);
    return record;
  }

  async remove(entity, id, key) {
    await this.#ask(`${entity}/${id}`, this.#person, { method: "DELETE", key });
    this.store.remove(entity, id);
  }

  /** Load one page of the records that match `filter` into the store; returns them. */
  async page(entity, filter) {
    const found = await this.#ask(entity, filter);
    this.store.merge(entity, found);
    return found;
  }

  /** Load all records that match `filter` into the store; returns them. */
  async load(entity, filter = {}) {
    const found = [];
    let after = filter.after;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const page = await this.page(entity, { ...filter, limit: PAGE, ...(after ? { after } : {}) });
      found.push(...page);
      if (page.length < PAGE) break;
      after = this.store.idOf(entity, page.at(-1));
    }
    return found;
  }

  async #ask(path, query, request) {
    const words = new URLSearchParams(query ?? {}).toString();
    return api(`/api/${path}${words && `?${words}`}`, request).catch((error) => {
      throw inWords(error);
    });
  }
}

/** Return `error` with what the server says in English, field by field, in the page's language. */
function inWords(error) {
  if (error.code === "in_use") {
    const kinds = KINDS.filter((kind) => kind in error.fields).map((kind) => text(`clinic.kind_${kind.replace("-", "_")}`));
    error.message = text("clinic.refused_in_use", { kinds: kinds.join(", ") });
  } else if (error.code.endsWith("_not_found")) {
    error.message = text("clinic.refused_gone");
  } else if (TOLD.includes(error.code)) {
    error.message = text(`clinic.refused_${error.code}`, placesOf(Object.values(error.fields).join(" ")));
  }
  error.fields = Object.fromEntries(Object.keys(error.fields).map((name) => [name, error.message]));
  return error;
}

/** Return the two times and the amount that a refusal may name. */
function placesOf(said) {
  const [from, to] = (said.match(/\d{4}-\d\d-\d\dT[\d:.]+Z/g) ?? []).map(clock);
  return { from, to, amount: said.match(/\d+\.\d\d\b/)?.[0] };
}
