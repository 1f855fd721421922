// The form of a reservation: day, hour and length instead of two times; a service brings its length. Pure.

import { text } from "../shared/page.js";
import { EMPLOYEE, NOTES, PET, refers, words } from "./choices.js";
import { dayOf, hourOf, later, minutesBetween, timeAt } from "./time.js";
import { bodyOf, valuesOf } from "./values.js";
import { today } from "./words.js";

const STATUSES = ["scheduled", "confirmed", "done", "cancelled"];

export const reservations = {
  singular: "reservation",
  names: { starts_at: "hour", ends_at: "minutes" },
  fields: [
    PET,
    { name: "service_id", kind: "id", needed: true, options: refers("services", "service_id", (one) => text("clinic.minutes", { n: one.duration_minutes })) },
    EMPLOYEE,
    { name: "day", kind: "date", needed: true, unsent: true },
    { name: "hour", kind: "time", needed: true, unsent: true },
    { name: "minutes", kind: "number", needed: true, unsent: true },
    { name: "status", kind: "choice", options: words("status", STATUSES) },
    NOTES,
  ],
  blank: (_store, { day = today() }) => ({ day, hour: "09:00", minutes: 30, status: "scheduled" }),
  values(one) {
    const minutes = minutesBetween(one.starts_at, one.ends_at);
    return { ...valuesOf(reservations.fields, one), day: dayOf(one.starts_at), hour: hourOf(one.starts_at), minutes };
  },
  follow(draft, name, store) {
    const service = name === "service_id" && store.one("services", Number(draft.service_id));
    return service ? { ...draft, minutes: service.duration_minutes } : draft;
  },
  body(fields, draft, before) {
    const { body, wrong } = bodyOf(fields, draft, before);
    if (wrong || ["day", "hour", "minutes"].every((name) => draft[name] === before[name])) return { body, wrong };
    const starts_at = timeAt(draft.day, draft.hour);
    const minutes = Number(draft.minutes);
    if (!starts_at) return { wrong: { hour: text("clinic.wrong_time") } };
    if (!Number.isInteger(minutes) || !(minutes >= 5 && minutes <= 24 * 60)) return { wrong: { minutes: text("clinic.wrong_minutes") } };
    return { body: { ...body, starts_at, ends_at: later(starts_at, minutes) } };
  },
  quick: [
    { name: "confirm", when: (one) => one.status === "scheduled", change: { status: "confirmed" } },
    { name: "done", when: (one) => one.status === "confirmed", change: { status: "done" } },
    { name: "bill", when: (one) => one.status !== "cancelled", create: billOf },
    { name: "cancel", when: (one) => ["scheduled", "confirmed"].includes(one.status), change: { status: "cancelled" } },
    { name: "restore", when: (one) => one.status === "cancelled", change: { status: "scheduled" } },
  ],
};

/** Return the entity and the values of an invoice for a reservation. */
function billOf({ reservation_id, pet_id, service_id }, store) {
  const { name = "", price = 0 } = store.one("services", service_id) ?? {};
  return ["invoices", { pet_id, reservation_id, lines: [{ description: name, quantity: "1", unit_price: price.toFixed(2) }] }];
}
