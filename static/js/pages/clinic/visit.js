// One reservation in the calendar: where it stands, what it says, and how a mouse drags it to another time.
// A keyboard moves it in the dialog that it opens.

import htm from "htm";
import { createElement } from "preact";
import { useRef } from "preact/hooks";
import { clock, text } from "../shared/page.js";
import { endMinute, minuteOf } from "./time.js";
import { employeeHue, nameOf, span } from "./words.js";

const html = htm.bind(createElement);
const DRAG_PX = 6; // a hand that clicks trembles less
const STEP = 15; // minutes
const SHORT = 50; // minutes that are one line high
const MARKS = { scheduled: "○", confirmed: "●", done: "✓", cancelled: "✕" };

/** Return the handlers that let `visit` be dragged; `drop(day, minute)` where it is let go, when that is elsewhere. */
function useDrag(visit, hours, drop) {
  const drag = useRef(null);
  const place = (event) => {
    const { card, x, y } = drag.current;
    const column = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.matches(".day"));
    const { height } = card.parentElement.getBoundingClientRect();
    const perMinute = height / ((hours.to - hours.from) * 60);
    const moved = Math.round((event.clientY - y) / perMinute / STEP) * STEP;
    card.style.translate = `${event.clientX - x}px ${moved * perMinute}px`;
    return { day: column?.dataset.day ?? null, minute: minuteOf(visit.starts_at) + moved };
  };
  const end = (event) => {
    const { card, moving } = drag.current;
    const target = moving && event.type === "pointerup" ? place(event) : null;
    card.style.translate = "";
    card.classList.remove("dragged");
    drag.current = moving ? { over: true } : null; // the click that follows is none
    if (target?.day && target.minute >= 0) drop(target.day, target.minute);
  };
  return {
    onPointerDown: (event) => {
      if (event.pointerType !== "mouse" || event.button !== 0) return;
      drag.current = { card: event.currentTarget.closest(".visit"), x: event.clientX, y: event.clientY, moving: false };
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event) => {
      const now = drag.current;
      if (!now?.card) return;
      if (!now.moving && Math.hypot(event.clientX - now.x, event.clientY - now.y) < DRAG_PX) return;
      now.moving = true;
      now.card.classList.add("dragged");
      place(event);
    },
    onPointerUp: (event) => drag.current?.card && end(event),
    onPointerCancel: (event) => drag.current?.card && end(event),
    onClickCapture: (event) => {
      if (drag.current?.over) event.stopImmediatePropagation();
      drag.current = null;
    },
  };
}

/** Draw a reservation in `lane` of `of` lanes of its day. */
export function Visit({ store, entry, lane, of, hours, act }) {
  const start = minuteOf(entry.starts_at);
  const drag = useDrag(entry, hours, (day, minute) => act.move(entry, day, minute));
  const status = text(`clinic.status_${entry.status}`);
  const names = { pet: nameOf(store, "pets", entry.pet_id), service: nameOf(store, "services", entry.service_id) };
  const employee = nameOf(store, "employees", entry.employee_id);
  const fresh = store.isFresh("reservations", entry.reservation_id) && "fresh";
  const minutes = endMinute(entry) - start;
  const classes = ["visit", employeeHue(entry.employee_id), entry.status, minutes < SHORT && "short", fresh].filter(Boolean).join(" ");
  const at = { "--start": start - hours.from * 60, "--minutes": minutes, "--lane": lane, "--of": of };
  return html`<li class=${classes} data-id=${entry.reservation_id} data-status=${entry.status} style=${at}>
    <button type="button" title=${`${span(entry)} · ${names.pet} · ${names.service} · ${employee} · ${status}`}
      onClick=${() => act.edit("reservations", entry)} ...${drag}>
      <span class="visit-time number">${clock(entry.starts_at)}<span class="visit-end">–${clock(entry.ends_at)}</span></span>
      <strong>${names.pet}</strong>
      <span class="visit-what">${names.service}</span>
      <span class="visit-who">${employee}</span>
      <span class="visit-mark" aria-hidden="true">${MARKS[entry.status]}</span>
      <span class="unseen">, ${status}</span>
    </button>
  </li>`;
}
