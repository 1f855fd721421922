// The reservations of a week, as drawn: a grid of hours on a desk, one day as a list on a phone; the same markup, CSS
// decides. What is done with a reservation is its dialog's affair.

import htm from "htm";
import { createElement } from "preact";
import { text } from "../shared/page.js";
import { addressOf, place } from "./router.js";
import { addDays, hourAt, hoursOf, lanes, minuteOf, startOf } from "./time.js";
import { employeeHue, today, wholeDay, weekRange, weekday } from "./words.js";
import { Visit } from "./visit.js";

const html = htm.bind(createElement);

function Moves({ days }) {
  const { day } = place.value;
  return html`<div class="moves">
    <a class="button plain step" data-stay href=${addressOf("calendar", { day: addDays(day, -7) })} aria-label=${text("clinic.week_before")}>‹</a>
    <a class="button small" data-stay href=${addressOf("calendar", { day: today() })}>${text("clinic.today")}</a>
    <a class="button plain step" data-stay href=${addressOf("calendar", { day: addDays(day, 7) })} aria-label=${text("clinic.week_after")}>›</a>
    <h2 class="number">${weekRange(days[0].day, days.at(-1).day)}</h2>
  </div>`;
}

function Legend({ store, calendar }) {
  const shown = store.all("employees").filter((one) => one.active !== false);
  return html`<div class="legend" role="group" aria-label=${text("clinic.whose")}>
    ${shown.map(
      (one) => html`<button key=${one.employee_id} type="button" class="chip ${employeeHue(one.employee_id)}"
        aria-pressed=${!calendar.hidden.value.has(one.employee_id)} onClick=${() => calendar.toggle(one.employee_id)}>
        <i class="dot" aria-hidden="true"></i>${one.name}</button>`,
    )}
    <button type="button" class="chip" aria-pressed=${calendar.withCancelled.value}
      onClick=${() => (calendar.withCancelled.value = !calendar.withCancelled.value)}>${text("clinic.with_cancelled")}</button>
  </div>`;
}

/** Draw a line at the present time, where that is within the hours shown. */
function Now({ calendar, hours }) {
  const minute = minuteOf(calendar.now.value) - hours.from * 60;
  if (minute < 0 || minute > (hours.to - hours.from) * 60) return null;
  return html`<div class="now" aria-hidden="true" style=${{ "--start": minute }}></div>`;
}

function Day({ store, calendar, day, visits, hours, act }) {
  const here = ["day", day === today() && "today", day === place.value.day && "chosen"].filter(Boolean).join(" ");
  const create = (event) => {
    if (event.target !== event.currentTarget) return;
    const { top, height } = event.currentTarget.getBoundingClientRect();
    const minute = hours.from * 60 + ((event.clientY - top) / height) * (hours.to - hours.from) * 60;
    act.create("reservations", { day, hour: hourAt(Math.floor(minute / 30) * 30) });
  };
  return html`<section class=${here} data-day=${day} aria-label=${wholeDay(day)}>
    <h3><a data-stay href=${addressOf("calendar", { day })} aria-current=${day === place.value.day ? "date" : undefined}>
      <span>${weekday(day)}</span> <b class="number">${startOf(day).getDate()}</b>
      ${visits.length > 0 && html`<small class="day-count number" aria-hidden="true">${visits.length}</small>`}</a></h3>
    <ol class="slots" onClick=${create}>
      ${lanes(visits).map((placed) => html`<${Visit} key=${placed.entry.reservation_id} store=${store} ...${placed} hours=${hours} act=${act} />`)}
    </ol>
    ${day === today() && html`<${Now} calendar=${calendar} hours=${hours} />`}
    ${!visits.length && html`<p class="day-empty muted">${text("clinic.day_empty")}</p>`}
  </section>`;
}

/** Draw the week. `act`: {create(entity, values), edit(entity, record), move(reservation, day, minute)}. */
export function CalendarView({ store, calendar, act }) {
  const days = calendar.days();
  const hours = hoursOf(days.flatMap(({ visits }) => visits));
  const rows = Array.from({ length: hours.to - hours.from }, (_, i) => hours.from + i);
  const monday = calendar.monday.value;
  return html`<section class="calendar" aria-label=${text("clinic.view_calendar")} aria-busy=${calendar.loading.value.has(monday)}>
    <header class="bar">
      <${Moves} days=${days} />
      <${Legend} store=${store} calendar=${calendar} />
      <button class="button primary" type="button" data-new onClick=${() => act.create("reservations", { day: place.value.day })}>${text("clinic.new_reservation")}</button>
    </header>
    ${["pets", "services", "employees"].some((entity) => !store.all(entity).length) && html`<p class="notice good">${text("clinic.first_steps")}</p>`}
    ${calendar.failed.value.has(monday) &&
    html`<p class="notice bad">${text("clinic.load_failed")} <button class="linkish" type="button" onClick=${() => calendar.load(monday, true)}>${text("clinic.retry")}</button></p>`}
    <div class="week days-${days.length}" style=${{ "--hours": rows.length }}>
      <ol class="hours number" aria-hidden="true">${rows.map((hour) => html`<li>${hourAt(hour * 60)}</li>`)}</ol>
      ${days.map((one) => html`<${Day} key=${one.day} store=${store} calendar=${calendar} ...${one} hours=${hours} act=${act} />`)}
    </div>
  </section>`;
}
