// What can be written down of each entity: the fields of its dialog, and how what is typed becomes the body of a request.
// A field: {name, kind, needed, max, options(store, draft), only(record, draft), unsent}. Pure; no drawing, no network.

import { text } from "../shared/page.js";
import { ACTIVE, EMPLOYEE, NAME, NOTES, PET, words } from "./choices.js";
import { reservations } from "./reservation.js";
import { valuesOf } from "./values.js";
import { today } from "./words.js";

const METHODS = ["cash", "card", "transfer"];
const NEW_OWNER = "new";

function ownerChoices(store) {
  const known = store.owners.value.filter((owner) => owner.user_id != null);
  return [[NEW_OWNER, text("clinic.new_owner")], ...known.map((owner) => [owner.user_id, owner.name || text("clinic.owner_number", { id: owner.user_id })])];
}

const writesOwner = (record, draft) => record !== null || draft.owner === NEW_OWNER;
const nextUser = (store) => Math.max(0, ...store.owners.value.map((owner) => Number(owner.user_id) || 0)) + 1;

const pets = {
  singular: "pet",
  fields: [
    { ...NAME, name: "name", needed: true },
    { ...NAME, name: "species", needed: true },
    { ...NAME, name: "breed" },
    { name: "age", kind: "number" },
    { name: "owner", kind: "choice", wide: true, options: ownerChoices, unsent: true },
    { ...NAME, name: "owner_name", only: writesOwner },
    { name: "owner_phone", kind: "phone", max: 30, only: writesOwner },
    { name: "user_id", kind: "user", max: 64, only: (_record, draft) => draft.owner === NEW_OWNER },
    NOTES,
  ],
  blank: (store) => ({ owner: NEW_OWNER, user_id: nextUser(store) }),
  values: (pet) => ({ ...valuesOf(pets.fields, pet), owner: pet.user_id ?? NEW_OWNER }),
  follow(draft, name, store) {
    if (name !== "owner") return draft;
    const owner = store.owners.value.find((one) => String(one.user_id) === draft.owner);
    if (!owner) return { ...draft, user_id: nextUser(store), owner_name: "", owner_phone: "" };
    return { ...draft, user_id: owner.user_id, owner_name: owner.name, owner_phone: owner.phone };
  },
};

/** Return the states that may be chosen; whether an invoice is paid is for its payments to say. */
const statuses = (_store, draft) => words("invoice", draft.status === "paid" ? ["paid"] : ["open", "void"])();

const invoices = {
  singular: "invoice",
  names: { amount: "lines", total: "lines" },
  fields: [
    PET,
    { name: "reservation_id", kind: "id", only: () => false },
    { name: "lines", kind: "lines", needed: true, wide: true },
    { name: "due_on", kind: "date" },
    { name: "status", kind: "choice", options: statuses, only: (record) => record !== null },
    NOTES,
  ],
  blank: () => ({ lines: [{ description: "", quantity: "1", unit_price: "" }] }),
};

const payments = {
  singular: "payment",
  fields: [
    { name: "invoice_id", kind: "id", only: () => false },
    { name: "amount", kind: "money", needed: true },
    { name: "method", kind: "choice", options: words("method", METHODS) },
    { ...NAME, name: "reference", wide: true },
  ],
  blank: (store, { invoice_id }) => ({ method: "cash", amount: store.one("invoices", invoice_id)?.balance.toFixed(2) }),
};

const history = {
  singular: "entry",
  fields: [
    PET,
    EMPLOYEE,
    { name: "date", kind: "date" },
    { name: "diagnosis", kind: "long", max: 2000, needed: true },
    { name: "treatment", kind: "long", max: 2000 },
    { name: "weight", kind: "decimal" },
    NOTES,
  ],
  blank: () => ({ date: today() }),
};

const services = {
  singular: "service",
  fields: [
    { ...NAME, name: "name", needed: true, wide: true },
    { name: "price", kind: "money", needed: true },
    { name: "duration_minutes", kind: "number", needed: true, label: "minutes" },
    { name: "description", kind: "long", max: 2000 },
    ACTIVE,
  ],
  blank: () => ({ duration_minutes: 30, active: true }),
};

const employees = {
  singular: "employee",
  fields: [
    { ...NAME, name: "name", needed: true, wide: true },
    { ...NAME, name: "role", needed: true },
    { name: "phone", kind: "phone", max: 30 },
    { name: "email", kind: "email", max: 254, wide: true },
    ACTIVE,
  ],
  blank: () => ({ active: true }),
};

export const FORMS = { pets, reservations, invoices, payments, "medical-history": history, services, employees };
