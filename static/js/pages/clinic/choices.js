// The fields that several of the clinic's forms share, and the choices they offer. Pure.

import { text } from "../shared/page.js";

export const NAME = { kind: "text", max: 80 };
export const NOTES = { name: "notes", kind: "long", max: 2000 };
export const ACTIVE = { name: "active", kind: "choice", options: () => [true, false].map((value) => [value, text(`clinic.active_${value}`)]) };
const byName = (a, b) => a.name.localeCompare(b.name);

/** Return the choice among `names`, each with its text. */
export const words = (kind, names) => () => names.map((name) => [name, text(`clinic.${kind}_${name}`)]);

/** Return the choices of a field that refers to `entity`; who no longer works here is offered only where they are chosen. */
export function refers(entity, id, note = () => "") {
  return (store, draft) => {
    const offered = store.all(entity).filter((one) => one.active !== false || String(one[id]) === String(draft[id]));
    return [["", text("clinic.choose")], ...offered.toSorted(byName).map((one) => [one[id], [one.name, note(one)].filter(Boolean).join(" · ")])];
  };
}

export const PET = { name: "pet_id", kind: "id", needed: true, wide: true, options: refers("pets", "pet_id", (pet) => pet.owner_name) };
export const EMPLOYEE = { name: "employee_id", kind: "id", needed: true, options: refers("employees", "employee_id", (one) => one.role) };
