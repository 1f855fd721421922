// The events as they arrive: what, when, at which position of the log, and by which transport they came.

import { rungName, seconds, text } from "../shared/page.js";

const KEPT = 50;
const NAMES = {
  PRODUCT_CREATED: "products.event_created",
  PRODUCT_UPDATED: "products.event_updated",
  PRODUCT_DELETED: "products.event_deleted",
  reset: "products.event_reset",
};

function part(tag, className, content) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = content;
  return made;
}

/** Show the newest events of `live` in `place`, newest first; call the function returned with a message and a product's name. */
export function mountLog(place, live) {
  const rows = document.createElement("ol");
  return (message, name = "") => {
    if (!rows.isConnected) place.replaceChildren(rows);
    const position = String(message.id).split("-")[1];
    const row = part("li", "event", "");
    row.dataset.type = message.type;
    row.dataset.position = position;
    const what = part("strong", "event-what", text(NAMES[message.type]));
    const when = part("time", "number muted", seconds(message.timestamp));
    const which = part("span", "event-which", name);
    const rung = live.status.transport ? ` · ${rungName(live.status.transport)}` : "";
    const where = part("span", "event-where number muted", `${text("products.position", { n: position })}${rung}`);
    when.dateTime = message.timestamp;
    row.append(what, " ", when, " ", which, " ", part("code", "event-type", message.type), " ", where);
    rows.prepend(row);
    while (rows.children.length > KEPT) rows.lastElementChild.remove();
  };
}
