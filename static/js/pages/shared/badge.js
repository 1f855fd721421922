// The status badge in the header: state, rung and round trip at a glance, and why this rung when opened.
// Owns its element, whose data attributes say the same to programs. It must not open a connection itself.

import htm from "htm";
import { createElement, render } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { rungName, seconds, text } from "./page.js";

const SHOWN = 8; // of the tries that are remembered
const REDRAW_MS = 250; // a stream of events moves the position far more often than anyone can read
const html = htm.bind(createElement);
const DATA = ["state", "transport", "rtt", "gaps", "repeats", "id"];

function stateText(status, everConnected) {
  if (status.state === "connected") return text("badge.connected");
  if (isRefused(status)) return text(isNobody(status) ? "badge.nobody" : "badge.refused");
  if (status.state === "closed" || !navigator.onLine) return text("badge.closed");
  return text(everConnected ? "badge.waiting" : "badge.connecting");
}

/** Tell whether the server has refused us, so that nobody will try again. */
const isRefused = ({ state, code }) => state === "closed" && (code === 4401 || code === 4403);
/** Tell whether it did so because it does not know us. */
const isNobody = ({ code }) => code === 4401;
const span = (ms) => (ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`);
const roundTrip = (rtt) => (rtt < 1 ? text("badge.under_1_ms") : `${Math.round(rtt)} ms`);

function Tried({ attempts }) {
  if (!attempts.length) return null;
  return html`<h3>${text("badge.tried")}</h3>
    <ul class="tried">
      ${attempts.slice(-SHOWN).map(
        ({ transport, outcome, seen, took_ms, tried_at }) =>
          html`<li key=${`${tried_at} ${outcome}`} class=${outcome === "opened" ? "good" : "bad"}>
            <span class="mark" aria-hidden="true">${outcome === "opened" ? "✓" : "✕"}</span>
            <strong>${rungName(transport)}</strong>
            <span>${text(`badge.outcome_${outcome}`)}</span>
            <span class="number muted">${span(took_ms)}</span>
            ${outcome !== "opened" && html`<small class="muted" lang="en">${seen}</small>`}
          </li>`,
      )}
    </ul>`;
}

function reason(status) {
  if (status.state === "connected") return text(`badge.why_${status.transport}`);
  if (isRefused(status)) return text(isNobody(status) ? "badge.why_nobody" : "badge.why_refused");
  return text("badge.why_none");
}

function Facts({ status }) {
  const rows = [
    [text("badge.rung"), status.transport ? rungName(status.transport) : "–"],
    [text("badge.rtt"), status.rtt == null ? "–" : roundTrip(status.rtt)],
    [text("badge.gaps"), status.gaps],
    [text("badge.repeats"), status.repeats],
    [text("badge.position"), status.id ?? "–"],
  ];
  if (status.state === "waiting" && status.retry_at) rows.push([text("badge.next"), seconds(status.retry_at)]);
  if (status.state === "closed" && status.code) rows.push([text("badge.code"), status.code]);
  return html`<dl class="facts">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function useDismiss(root, open, close) {
  useLayoutEffect(() => {
    if (!open) return undefined;
    const onKey = (event) => event.key === "Escape" && close(true);
    const onPress = (event) => root.current && !root.current.parentElement.contains(event.target) && close(false);
    addEventListener("keydown", onKey);
    addEventListener("pointerdown", onPress);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("pointerdown", onPress);
    };
  }, [open]);
}

function Badge({ status }) {
  const [open, setOpen] = useState(false);
  const ever = useRef(false);
  const button = useRef(null);
  const close = (refocus) => {
    setOpen(false);
    if (refocus) button.current?.focus();
  };
  useDismiss(button, open, close);
  if (status.state === "connected") ever.current = true;
  const state = stateText(status, ever.current);
  const online = status.state === "connected";
  const rung = online && status.transport ? rungName(status.transport) : null;
  return html`
    <button class="badge" type="button" ref=${button} aria-expanded=${open} aria-controls="badge-more"
      title=${text("badge.details")} onClick=${() => setOpen(!open)}>
      <span class="badge-dot" aria-hidden="true"></span>
      <span><span class="badge-state">${state}</span>${rung && ` · ${rung}`}${
        online && status.rtt != null && html`<span class="badge-rtt"> · ${roundTrip(status.rtt)}</span>`
      }</span>
      <span class="unseen">, ${text("badge.details")}</span>
    </button>
    <span class="unseen" role="status">${rung ? `${state}, ${rung}` : state}</span>
    <section class="badge-more" id="badge-more" hidden=${!open} aria-label=${text("badge.details")}>
      <h2>${state}${rung && ` · ${rung}`}</h2>
      <p>${reason(status)}</p>
      <${Facts} status=${status} />
      <${Tried} attempts=${status.why ?? []} />
    </section>`;
}

/** Draw the badge of `live` into `slot` and keep it true; `slot` carries data-state, -transport, -rtt, -gaps, -repeats, -id. */
export function mountBadge(slot, live) {
  let pending = null;
  const draw = () => {
    clearTimeout(pending);
    pending = null;
    const { status } = live;
    for (const name of DATA) slot.dataset[name] = status[name] ?? "";
    render(html`<${Badge} status=${{ ...status }} />`, slot);
  };
  slot.replaceChildren();
  draw();
  live.on("status", draw);
  live.on("*", (message) => {
    if (!message.id) return;
    slot.dataset.id = live.status.id ?? "";
    if (!pending) pending = setTimeout(draw, REDRAW_MS);
  });
  for (const change of ["online", "offline"]) addEventListener(change, draw);
}
