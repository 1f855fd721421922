// What has been done in the practice, newest first, as it happens. It must not talk to the network.

import htm from "htm";
import { createElement } from "preact";
import { OlderButton } from "./older.js";
import { MOST_LINES } from "./store.js";
import { when } from "./words.js";
import { clock, dayKey, dayName, text } from "../shared/page.js";

const html = htm.bind(createElement);
const MARKS = { created: "+", updated: "✎", deleted: "✕" };

/** Return `summary` with its times in local time; the server names them in UTC. */
const inLocalTime = (summary) => summary.replace(/(\d{4}-\d\d-\d\d) (\d\d:\d\d)/, (_, day, hour) => when(`${day}T${hour}:00Z`));

function Line({ store, line }) {
  const id = line.activity_log_id;
  return html`<li class=${store.isFresh("activity-logs", id) ? "log fresh" : "log"} data-log=${id} data-action=${line.action}>
    <span class="log-mark" aria-hidden="true">${MARKS[line.action]}</span>
    <div><p>${inLocalTime(line.summary)}</p>
      <p class="muted small">${text(`clinic.did_${line.action}`, { who: line.username || line.user_id, what: text(`clinic.kind_${line.entity_type.replace("-", "_")}`) })}</p></div>
    <time class="muted small number" datetime=${line.created_at}>${clock(line.created_at)}</time>
  </li>`;
}

/** Draw the lines, a heading a day; `older` loads what came before them. */
export function ActivityView({ store, older }) {
  const rows = [];
  let day = null;
  const lines = store.all("activity-logs").toSorted((a, b) => b.activity_log_id - a.activity_log_id);
  for (const line of lines) {
    if (dayKey(line.created_at) !== day) rows.push(html`<li key=${dayKey(line.created_at)} class="log-day"><h3>${dayName(line.created_at)}</h3></li>`);
    day = dayKey(line.created_at);
    rows.push(html`<${Line} key=${line.activity_log_id} store=${store} line=${line} />`);
  }
  return html`<section class="activity" aria-label=${text("clinic.view_activity")}>
    <h2>${text("clinic.activity_title")}</h2>
    ${!rows.length && html`<p class="empty">${text("clinic.no_activity")}</p>`}
    <ol class="logs">${rows}</ol>
    ${lines.length < MOST_LINES && html`<${OlderButton} older=${older} last=${lines.at(-1)?.activity_log_id} />`}
  </section>`;
}
