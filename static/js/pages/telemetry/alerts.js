// The alerts on the page: counts, the open ones with a button to dismiss each, the closed ones below.
// Owns the elements `#alerts-live` and `#alerts-said`, and dismissing; it hears of changes through the live connection.

import htm from "htm";
import { createElement, render } from "preact";
import { AlertBook } from "./alert-book.js";
import { ago, api, clock, text } from "../shared/page.js";
import { exactly, sentence } from "./words.js";

const html = htm.bind(createElement);
const REDRAW_MS = 30_000; // "5 minutes ago" grows old
const RELOAD_MS = 3000;
const CLOSED_SHOWN = 20;
const SEVERITIES = ["critical", "warning", "info"];

export class Alerts {
  #book = new AlertBook();
  #fates = new Map(); // by id: "sending", or why it failed
  #said = "";
  #heard = 0;
  #host = document.getElementById("alerts-live");
  #changed;
  #mayDismiss;

  /** Draw the snapshot `given` ({counts, open, closed, may_dismiss}); `changed()` is called after each change of what is open. */
  constructor(given, live, changed) {
    this.#changed = changed;
    this.#mayDismiss = given.may_dismiss;
    this.#book.replace(given);
    this.#host.replaceChildren();
    this.#draw();
    const ofAlerts = (hear) => (message) => message.topic === "alerts" && hear(message);
    for (const type of ["initial", "refresh"]) live.on(type, ofAlerts(({ data }) => this.#count(data)));
    for (const type of ["update", "dismissed"]) live.on(type, ofAlerts(({ data }) => this.#hear(data)));
    live.on("reset", () => this.reload());
    setInterval(() => this.#draw(), REDRAW_MS);
  }

  /** Return the severity of what is open at a measure of a reservoir, or null. */
  severity = (reservoirId, measure) => this.#book.severity(reservoirId, measure);

  /** Load the snapshot again, as often as it takes; until then what is known stays. */
  async reload() {
    const heard = this.#heard;
    const [counts, open, closed] = await Promise.all(
      ["/api/alerts/summary", "/api/alerts?open=true&limit=200", `/api/alerts?open=false&limit=${CLOSED_SHOWN}`].map((path) => api(path)),
    ).catch(() => []);
    if (closed && heard !== this.#heard) return this.reload(); // it may be older than what came meanwhile
    if (closed) this.#book.replace({ counts, open, closed });
    else setTimeout(() => this.reload(), RELOAD_MS);
    return this.#draw();
  }

  #count(data) {
    this.#book.count(data);
    this.#draw();
  }

  #hear({ alert, ...counts }) {
    this.#heard += 1;
    const isNew = this.#book.take(alert);
    if (alert.closed_at) this.#fates.delete(alert.id);
    else if (isNew)
      this.#said = text("telemetry.new_alert", { severity: text(`telemetry.severity_${alert.severity}`), reservoir: alert.reservoir_id, what: sentence(alert) });
    this.#count(counts);
  }

  async #dismiss(alert) {
    this.#fates.set(alert.id, "sending");
    this.#draw();
    try {
      this.#book.take(await api("/api/alerts/dismiss", { method: "POST", body: { alert_id: alert.id } }));
      this.#fates.delete(alert.id);
    } catch (error) {
      if (error.code === "alert_closed") await this.#wasClosed(alert);
      else this.#fates.set(alert.id, text("telemetry.dismiss_failed", { why: error.message }));
    }
    this.#draw();
  }

  async #wasClosed(alert) {
    this.#said = text("telemetry.dismissed_before", { reservoir: alert.reservoir_id });
    this.#fates.delete(alert.id);
    await this.reload();
  }

  #draw() {
    const focused = document.activeElement?.closest(".alert");
    const place = focused ? [...focused.parentElement.children].indexOf(focused) : 0;
    render(this.#panel(), this.#host);
    if (focused && !focused.isConnected) this.#focus(place);
    this.#changed();
  }

  /** Give the focus of an alert that is gone to the one in its place. */
  #focus(place) {
    const buttons = this.#host.querySelectorAll(".alert button");
    (buttons[Math.min(place, buttons.length - 1)] ?? document.getElementById("alerts-title")).focus();
  }

  #panel() {
    const { counts, open, closed } = this.#book;
    const more = counts.total - open.length;
    return html`
      <dl class="alert-counts">
        ${SEVERITIES.map(
          (severity) => html`<div class=${`card alert-count alert-${severity}`} data-some=${String(counts[severity] > 0)}>
            <dt>${text(`telemetry.count_${severity}`)}</dt><dd class="number" data-count=${severity}>${counts[severity]}</dd></div>`,
        )}
      </dl>
      <p class="unseen" role="status" id="alerts-said">${this.#said}</p>
      ${open.length
        ? html`<ul class="alert-list" aria-label=${text("telemetry.open_list")}>${open.map((alert) => this.#open(alert))}</ul>`
        : html`<p class="alert-none">${text("telemetry.alerts_none")}</p>`}
      ${more > 0 && open.length > 0 && html`<p class="muted small">${text("telemetry.alerts_more", { n: more })}</p>`}
      <details class="alerts-closed">
        <summary>${text("telemetry.closed_list")}</summary>
        ${closed.length ? html`<ul>${closed.slice(0, CLOSED_SHOWN).map(closedLine)}</ul>` : html`<p class="muted small">${text("telemetry.closed_none")}</p>`}
      </details>`;
  }

  #open(alert) {
    const fate = this.#fates.get(alert.id);
    const sending = fate === "sending";
    return html`<li key=${alert.id} class=${`card alert alert-${alert.severity}`} data-alert=${alert.id} data-fate=${sending ? "sending" : ""}>
      <span class="alert-tag">${text(`telemetry.severity_${alert.severity}`)}</span>
      <p class="alert-what"><strong>${alert.reservoir_id}</strong> ${sentence(alert)}
        <small class="muted number">${alert.value !== null && html`${text("telemetry.value", { value: exactly(alert.measure, alert.value) })} · `}<time datetime=${alert.raised_at}>${ago(alert.raised_at)}</time></small></p>
      ${this.#mayDismiss && html`<button class="button" type="button" aria-disabled=${String(sending)} onClick=${() => sending || this.#dismiss(alert)}>
        ${text(sending ? "telemetry.dismissing" : "telemetry.dismiss")}<span class="unseen">: ${alert.reservoir_id}, ${sentence(alert)}</span></button>`}
      ${fate && !sending && html`<p class="alert-failed small" role="alert">${fate}</p>`}
    </li>`;
  }
}

function closedLine(alert) {
  return html`<li key=${alert.id} data-alert=${alert.id} class=${`alert-${alert.severity}`}>
    <span class="alert-tag">${text(`telemetry.severity_${alert.severity}`)}</span>
    <span><strong>${alert.reservoir_id}</strong> ${sentence(alert)} <small class="muted number">${clock(alert.raised_at)} – ${clock(alert.closed_at)}, ${text(`telemetry.closed_${alert.closed_by}`)}</small></span>
  </li>`;
}
