// What is being written down in the clinic's one dialog: the record, what is typed, what is refused, whether it is sent.
// The fields are those of forms.js; drawing them is the affair of dialog.js.

import { signal } from "@preact/signals";
import { Keys } from "../../envivo/messages.js";
import { text } from "../shared/page.js";
import { FORMS } from "./forms.js";
import { bodyOf, valuesOf } from "./values.js";

const keys = new Keys();

/** The dialogs of a page: one at a time, each {entity, record, values}. */
export class Dialogs {
  open = signal(null);
  draft = signal({});
  wrong = signal({});
  message = signal("");
  busy = signal(false);
  sure = signal(false); // whether deleting was asked for once already
  #before = {};
  #sent = { body: "", key: "" };

  /** `onLost(message)` is told what did not work when its dialog is closed already. */
  constructor(rest, onLost) {
    this.rest = rest;
    this.onLost = onLost;
    this.store = rest.store;
  }

  /** Ask for a new record of `entity`; `given` are the values that are known already. */
  create(entity, given = {}) {
    this.#show(entity, null, { ...FORMS[entity].blank(this.store, given), ...given }, {});
  }

  edit(entity, record) {
    const values = FORMS[entity].values?.(record) ?? valuesOf(FORMS[entity].fields, record);
    this.#show(entity, record, values, values);
  }

  close() {
    this.open.value = null;
  }

  set(name, value) {
    const draft = { ...this.draft.value, [name]: value };
    this.draft.value = FORMS[this.open.value.entity].follow?.(draft, name, this.store) ?? draft;
  }

  /** Return whether the record was changed elsewhere since the dialog was opened. */
  get overtaken() {
    const { entity, record } = this.open.value;
    const now = record && this.store.one(entity, this.store.idOf(entity, record));
    return Boolean(record) && (!now || now.version > record.version);
  }

  /** Take the values that are true now. */
  refresh() {
    const { entity, record } = this.open.value;
    const now = this.store.one(entity, this.store.idOf(entity, record));
    if (now) this.edit(entity, now);
    else this.close();
  }

  async submit() {
    const { entity, record } = this.open.value;
    const form = FORMS[entity];
    const isEmpty = ({ name }) => String(this.draft.value[name] ?? "").trim() === "";
    const missing = form.fields.filter((field) => field.needed && isEmpty(field) && record?.[field.name] !== null);
    if (missing.length) return this.#refuse(Object.fromEntries(missing.map(({ name }) => [name, text("clinic.wrong_needed")])));
    const { body, wrong } = (form.body ?? bodyOf)(form.fields, this.draft.value, this.#before);
    if (wrong) return this.#refuse(wrong);
    if (record && !Object.keys(body).length) return this.close();
    await this.#save(body);
  }

  /** Change the record that is open, whatever else is typed. */
  async change(values) {
    await this.#save(values);
  }

  /** Delete the record that is open; the first call only asks whether that is meant. */
  async remove() {
    if (!this.sure.value) return (this.sure.value = true);
    const { entity, record } = this.open.value;
    const id = this.store.idOf(entity, record);
    return this.#run(() => this.rest.remove(entity, id, this.#keyOf({ remove: id })));
  }

  async #save(values) {
    const { entity, record } = this.open.value;
    const body = record ? { ...values, version: record.version } : values;
    await this.#run(() => this.rest.save(entity, body, { id: record && this.store.idOf(entity, record), key: this.#keyOf(body) }));
  }

  #show(entity, record, values, before) {
    this.#before = before;
    this.draft.value = values;
    this.sure.value = false;
    this.wrong.value = {};
    this.message.value = "";
    this.#sent = { body: "", key: "" };
    this.open.value = { entity, record };
  }

  /** Return the key of `body`: the same request again has the same key, and is done once should the first answer have been lost. */
  #keyOf(body) {
    const json = JSON.stringify(body);
    if (json !== this.#sent.body) this.#sent = { body: json, key: keys.next() };
    return this.#sent.key;
  }

  async #run(work) {
    if (this.busy.value) return;
    const spec = this.open.value;
    this.busy.value = true;
    try {
      await work();
      if (this.open.value === spec) this.close();
    } catch (error) {
      if (this.open.value !== spec) return this.onLost(error.message);
      const names = FORMS[this.open.value.entity].names ?? {};
      const fields = Object.entries(error.fields ?? {}).map(([place, wrong]) => {
        const [name] = place.split("["); // `lines[2].unit_price` is shown at the lines
        return [names[name] ?? name, wrong];
      });
      this.#refuse(Object.fromEntries(fields), error.message);
    } finally {
      this.busy.value = false;
    }
  }

  #refuse(wrong, message = "") {
    const shown = FORMS[this.open.value.entity].fields.filter(({ name }) => wrong[name]);
    this.wrong.value = wrong;
    this.message.value = shown.length ? "" : message || Object.values(wrong).join(" ");
  }
}
