// The list of accounts, every balance live, and the form that opens one and goes there.

import htm from "htm";
import { createElement, render } from "preact";
import { signal } from "@preact/signals";
import { mountCommand, wrongFields } from "./forms.js";
import { startBank } from "./live.js";
import { money, plainAmount } from "./money.js";
import { api, hue, initial, island, text } from "../shared/page.js";

const html = htm.bind(createElement);
const given = island("bank");
const host = document.getElementById("accounts");
const accounts = signal([]); // in order of cédula
const fresh = signal(new Map()); // cédula → how often its balance has changed under our eyes
const isAll = signal(false);
const loading = signal("idle"); // idle | loading | failed

/** Compare two accounts by cédula, in the order in which the server lists them. */
const byCedula = (a, b) => (a.cedula < b.cedula ? -1 : Number(a.cedula > b.cedula));

function merge(news) {
  const known = new Map(accounts.value.map((account) => [account.cedula, account]));
  for (const account of news) known.set(account.cedula, account);
  accounts.value = [...known.values()].sort(byCedula);
}

function addPage(page) {
  isAll.value = page.length < given.most;
  merge(page);
}

const pageAfter = (cedula) => api(`/api/cuentas?limit=${given.most}&after=${cedula}`);

async function onMore() {
  if (loading.value === "loading") return;
  loading.value = "loading";
  const more = await pageAfter(accounts.value.at(-1).cedula).catch(() => null);
  if (more) addPage(more);
  loading.value = more ? "idle" : "failed";
}

/** Begin again from the first page: what was there before may be of another database. */
function beginAgain(first) {
  accounts.value = [];
  addPage(first);
}

/** Take a balance that changed; a new account belongs into the list where the list reaches that far. */
function arrive({ data: { cedula, balance }, transaccion: { nombre } }) {
  const isListed = isAll.value || cedula <= (accounts.value.at(-1)?.cedula ?? "");
  if (!isListed) return;
  merge([{ cedula, nombre, balance }]);
  fresh.value = new Map(fresh.value).set(cedula, (fresh.value.get(cedula) ?? 0) + 1);
}

function Account({ cedula, nombre, balance }) {
  const times = fresh.value.get(cedula) ?? 0;
  return html`<li>
    <a class="card account-card" href="/bank/${cedula}" data-cedula=${cedula}>
      <span class="avatar ${hue(cedula)}" aria-hidden="true">${initial(nombre)}</span>
      <span class="account-words"><strong>${nombre}</strong><span class="muted small mono">${cedula}</span></span>
      <span key=${times} class="account-balance number ${times && "changed"}">${money(balance)}</span>
    </a>
  </li>`;
}

const MORE = { idle: "bank.more_accounts", loading: "bank.loading", failed: "bank.older_failed" };

function Accounts() {
  if (!accounts.value.length) return html`<p class="empty">${text("bank.no_accounts")}</p>`;
  return html`<ul class="accounts">
      ${accounts.value.map((account) => html`<${Account} key=${account.cedula} ...${account} />`)}
    </ul>
    ${!isAll.value && html`<button class="button plain older" type="button" aria-disabled=${loading.value === "loading"}
      onClick=${onMore}>${text(MORE[loading.value])}</button>`}`;
}

/** Return the body of a request to open an account. Throw `wrongFields` where the form cannot be sent. */
function bodyOf(values) {
  const [cedula, nombre] = [values.cedula.trim(), values.nombre.trim()];
  const saldo_inicial = plainAmount(values.saldo_inicial || "0");
  const fields = {};
  if (!/^\d{5,20}$/.test(cedula)) fields.cedula = text("bank.cedula_wrong");
  if (!nombre) fields.nombre = text("bank.name_wrong");
  if (saldo_inicial === null) fields.saldo_inicial = text("bank.opening_wrong");
  if (Object.keys(fields).length) throw wrongFields(fields);
  return { cedula, nombre, saldo_inicial };
}

addPage(given.accounts);
startBank({
  topics: ["balances", "stats"],
  since: given.cursor,
  arrive,
  load: () => pageAfter(""),
  show: beginAgain,
  stale: text("bank.stale_list"),
});
host.replaceChildren();
render(html`<${Accounts} />`, host);
mountCommand(document.getElementById("open-account"), "/api/cuentas", bodyOf, ({ cedula }) => location.assign(`/bank/${cedula}`));
