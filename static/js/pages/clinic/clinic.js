// The clinic's page: takes over what the server drew, goes live from its cursor on all topics, and wires store, views,
// dialogs and notices. What each of them shows and does is their own affair.

import htm from "htm";
import { createElement, render } from "preact";
import { ActivityView } from "./activity.js";
import { CalendarView } from "./calendar.js";
import { Details, Older } from "./details.js";
import { Dialog } from "./dialog.js";
import { Dialogs } from "./dialogs.js";
import { InvoiceDesk, InvoicesView } from "./invoices.js";
import { Notices, NoticesView } from "./notices.js";
import { OwnerSearch, OwnersView } from "./owners.js";
import { PracticeView } from "./practice.js";
import { Rest } from "./rest.js";
import { mountRouter, place } from "./router.js";
import { Store } from "./store.js";
import { hourAt, later, minutesBetween, timeAt } from "./time.js";
import { Calendar } from "./week.js";
import { startLive } from "../shared/live.js";
import { island, text } from "../shared/page.js";
import { visitor } from "../shared/visitor.js";

const RELOAD_MS = 3000;
const YEAR = 365 * 24 * 3600;
const html = htm.bind(createElement);
const element = (id) => document.getElementById(id);
const given = island("clinic");
const me = visitor(given.me);
const store = new Store(given.ids, given.tables);
const rest = new Rest(store, me);
const live = startLive({ topics: store.entities, since: given.cursor, person: me });

const invoicesIn = (status) => new Older(rest, { entity: "invoices", filter: { status }, page: given.page, held: given.settled[status] });
const desk = new InvoiceDesk({ paid: invoicesIn("paid"), void: invoicesIn("void") });
const older = new Older(rest, { entity: "activity-logs", page: given.page, held: store.all("activity-logs").length });
const calendar = new Calendar(rest, given.monday ? [given.monday] : []);
const search = new OwnerSearch(store);
const dialogs = new Dialogs(rest, (why) => notices.say(text("clinic.not_saved", { why }), "bad"));
const notices = new Notices(live, store);
const histories = new Details(rest, "medical-history", "pet_id");
const payments = new Details(rest, "payments", "invoice_id");
const visits = new Details(rest, "reservations", "pet_id");

/** Move a reservation to `minute` of `day`; it lasts as long as before. */
async function move(visit, day, minute) {
  const starts_at = timeAt(day, hourAt(minute));
  const ends_at = later(starts_at, minutesBetween(visit.starts_at, visit.ends_at));
  if (starts_at === visit.starts_at) return;
  await rest
    .save("reservations", { starts_at, ends_at, version: visit.version }, { id: visit.reservation_id })
    .catch((error) => notices.say(text("clinic.not_moved", { why: error.message }), "bad"));
}

const act = {
  create: (entity, values) => dialogs.create(entity, values),
  edit: (entity, record) => dialogs.edit(entity, record),
  move,
  histories,
  payments,
  visits,
  notices,
};

let reloads = 0;

/** Take what the server has now, as often as it takes, where it cannot continue from our cursor. */
async function reload() {
  const mine = (reloads += 1);
  try {
    store.restage();
    const lists = [calendar, histories, payments, visits, older, ...Object.values(desk.older)].map((list) => list.reload());
    const whole = ["pets", "services", "employees"].map((entity) => rest.load(entity));
    await Promise.all([...whole, ...lists, rest.load("invoices", { status: "open" })]);
    if (mine === reloads) store.publish();
  } catch {
    setTimeout(() => mine === reloads && reload(), RELOAD_MS);
  }
}

const views = {
  calendar: () => html`<${CalendarView} store=${store} calendar=${calendar} act=${act} />`,
  owners: () => html`<${OwnersView} store=${store} search=${search} act=${act} />`,
  invoices: () => html`<${InvoicesView} store=${store} desk=${desk} act=${act} />`,
  practice: () => html`<${PracticeView} store=${store} act=${act} />`,
  activity: () => html`<${ActivityView} store=${store} older=${older} />`,
};
const View = () => views[place.value.view]();

live.on("realtime_update", (update) => store.apply(update));
live.on("reset", reload);
let wasConnected = false;
live.on("status", ({ state, code }) => {
  wasConnected ||= state === "connected";
  element("offline").hidden = state === "connected" || !wasConnected;
  element("offline").textContent = state === "closed" ? text("clinic.closed", { code: code ?? "–" }) : text("clinic.offline");
});
for (const [entity, filter] of Object.entries(given.more)) rest.load(entity, filter).catch(reload);

// The server draws this browser's next page in the time zone that this cookie names.
document.cookie = `envivo_zone=${encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)}; path=/clinic; max-age=${YEAR}; samesite=lax`;
mountRouter(element("main"));
element("view").replaceChildren();
render(html`<${View} />`, element("view"));
render(html`<${Dialog} dialogs=${dialogs} />`, element("dialogs"));
render(html`<${NoticesView} store=${store} notices=${notices} />`, element("notices"));
