// The products page: takes over the cards the server drew, goes live from its cursor, and wires forms, filter and log.

import htm from "htm";
import { createElement, render } from "preact";
import { effect } from "@preact/signals";
import { Keys } from "../../envivo/messages.js";
import { startLive } from "../shared/live.js";
import { api, island, text } from "../shared/page.js";
import { Card } from "./card.js";
import { money, whole } from "./fields.js";
import { mountLog } from "./log.js";
import { mountNew } from "./new.js";
import { Inventory } from "./state.js";

const REST = "/api/productos";
const RELOAD_MS = 3000;
const html = htm.bind(createElement);
const element = (id) => document.getElementById(id);
const given = island("inventory");
const inventory = new Inventory(given.products);
const keys = new Keys();
const live = startLive({ topics: ["products"], since: given.cursor });
const log = mountLog(element("events"), live);

/** The actions of the cards, and whether this visitor has them; what the server answers is taken at once, its event may
 * come before or after. */
const shop = {
  mayChange: given.may_change,
  editing: (id, whether) => inventory.edit(id, whether),
  async create(fields, key = keys.next()) {
    inventory.put(await api(REST, { method: "POST", body: fields, key }));
  },
  async save({ id, version }, fields) {
    if (Object.keys(fields).length) await change(id, { method: "PUT", body: { ...fields, version } });
  },
  async remove({ id, version }) {
    await change(id, { method: "DELETE" }, `?version=${version}`);
    element("shelves-title").focus();
  },
};

async function change(id, request, query = "") {
  try {
    const product = await api(`${REST}/${id}${query}`, { ...request, key: keys.next() });
    if (request.method === "DELETE") inventory.remove(id);
    else inventory.put(product);
  } catch (error) {
    if (error.code === "version_conflict") inventory.put(error.data);
    if (error.code === "product_not_found") inventory.remove(id);
    if (error.code !== "product_not_found" || request.method !== "DELETE") throw error;
  }
}

let waiting = null; // what was heard while a snapshot is on its way
let resets = 0;

function hear(message) {
  waiting?.push(message);
  const name = message.data.nombre ?? inventory.products.value.get(message.data.id)?.nombre ?? `#${message.data.id}`;
  log(message, name);
  take(message);
}

function take({ type, data }) {
  if (type === "PRODUCT_DELETED") inventory.remove(data.id);
  else inventory.put(data);
}

for (const type of ["PRODUCT_CREATED", "PRODUCT_UPDATED", "PRODUCT_DELETED"]) live.on(type, hear);
live.on("reset", (message) => {
  log(message);
  resets += 1;
  const loading = waiting !== null;
  waiting = [];
  if (!loading) reload();
});

/** Take all products anew, as often as it takes, where the server cannot continue from our cursor. */
async function reload() {
  try {
    const told = resets;
    const products = await api(REST);
    if (told !== resets) return reload();
    inventory.replace(products);
    waiting.forEach(take);
    waiting = null;
    show();
  } catch {
    tell(text("products.reload_failed"));
    setTimeout(reload, RELOAD_MS);
  }
  return undefined;
}

function tell(words) {
  const notice = element("notice");
  [notice.hidden, notice.textContent] = [words === "", words];
}

let wasConnected = false;
function show({ state } = live.status) {
  wasConnected ||= state === "connected";
  const away = state === "waiting" || state === "closed" || (state === "connecting" && wasConnected);
  if (waiting === null) tell(away ? text("products.offline") : "");
}
show();
live.on("status", show);
const drawn = new WeakMap(); // product → card: the same element again is not compared, however many there are
function card(product) {
  if (!drawn.has(product)) {
    const fresh = inventory.fresh.has(product.id);
    const key = `${product.id} ${product.created_at}`;
    drawn.set(product, html`<li key=${key}><${Card} product=${product} fresh=${fresh} shop=${shop} /></li>`);
  }
  return drawn.get(product);
}

function Shelves() {
  const shown = inventory.shown.value;
  if (shown.length) return html`<ul class="products">${shown.map(card)}</ul>`;
  const filter = inventory.filter.value.trim();
  return html`<p class="empty">${inventory.all.value.length ? text("products.filter_none", { filter }) : text("products.empty")}</p>`;
}
render(html`<${Shelves} />`, element("shelves"));

effect(() => {
  const { products, units, value } = inventory.sums.value;
  element("sum-products").textContent = whole(products);
  element("sum-units").textContent = whole(units);
  element("sum-value").textContent = money(value);
  const counts = { n: inventory.shown.value.length, all: inventory.all.value.length };
  element("found").textContent = inventory.filter.value.trim() ? text("products.filter_found", counts) : "";
});
element("filter").addEventListener("input", (event) => (inventory.filter.value = event.target.value));
inventory.filter.value = element("filter").value;

if (given.may_change) mountNew(element("new-product"), shop);
