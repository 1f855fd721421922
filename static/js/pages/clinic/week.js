// Which week of reservations is shown and loaded, and whose. Drawing it is the affair of calendar.js.

import { computed, effect, signal } from "@preact/signals";
import { place } from "./router.js";
import { addDays, byStart, dayOf, mondayOf, startOf } from "./time.js";
import { today } from "./words.js";

const SUNDAY = 6;
const MINUTE_MS = 60_000;

export class Calendar {
  #rest;
  #loaded;

  /** Signals of the Mondays that are being loaded, and of those that could not be. */
  loading = signal(new Set());
  failed = signal(new Set());
  hidden = signal(new Set()); // employees
  withCancelled = signal(false);
  now = signal(Date.now());
  monday = computed(() => mondayOf(place.value.day));

  /** Show this week; `loaded` has the Mondays of the weeks that the page came with. */
  constructor(rest, loaded) {
    this.#rest = rest;
    this.#loaded = new Set(loaded);
    setInterval(() => (this.now.value = Date.now()), MINUTE_MS);
    effect(() => place.value.view === "calendar" && this.load(this.monday.value));
  }

  /** Return the days shown, each {day, visits} with the reservations in order. */
  days() {
    const byDay = new Map();
    for (const visit of this.#rest.store.all("reservations").toSorted(byStart)) {
      if (this.hidden.value.has(visit.employee_id)) continue;
      if (visit.status === "cancelled" && !this.withCancelled.value) continue;
      const day = dayOf(visit.starts_at);
      byDay.set(day, [...(byDay.get(day) ?? []), visit]);
    }
    const week = Array.from({ length: 7 }, (_, i) => addDays(this.monday.value, i));
    const shown = week.filter((day, i) => i < SUNDAY || byDay.has(day) || day === today() || day === place.value.day);
    return shown.map((day) => ({ day, visits: byDay.get(day) ?? [] }));
  }

  async load(monday, again = false) {
    if (this.#loaded.has(monday) && !again) return;
    this.#loaded.add(monday);
    mark(this.failed, monday, false);
    mark(this.loading, monday, true);
    try {
      const from = startOf(monday).toISOString();
      await this.#rest.load("reservations", { from, to: startOf(addDays(monday, 7)).toISOString() });
    } catch {
      mark(this.failed, monday, true);
    }
    mark(this.loading, monday, false);
  }

  /** Load the week shown anew, and forget the others. */
  async reload() {
    this.#loaded.clear();
    await this.load(this.monday.value);
  }

  toggle(employee) {
    mark(this.hidden, employee, !this.hidden.value.has(employee));
  }
}

function mark(set, one, on) {
  const next = new Set(set.peek());
  if (on) next.add(one);
  else next.delete(one);
  set.value = next;
}
