// One account: takes over the page the server drew, goes live from its cursor; balance, movements and the two forms.

import htm from "htm";
import { createElement, render } from "preact";
import { effect } from "@preact/signals";
import { mountMove } from "./forms.js";
import { olderOf, startBank } from "./live.js";
import { money, signed } from "./money.js";
import { kindName, Movements } from "./movements.js";
import { KnownMovements } from "./state.js";
import { api, island, text } from "../shared/page.js";

const html = htm.bind(createElement);
const element = (id) => document.getElementById(id);
const given = island("bank");
const { cedula } = given.account;
const rest = `/api/cuentas/${cedula}`;
const ledger = new KnownMovements({ movements: given.movements });

/** Show beside the balance what just happened; the same amount again is shown again. */
function flash(movement) {
  const change = element("change");
  change.textContent = signed(movement);
  change.dataset.way = movement.tipo === "retiro" ? "out" : "in";
  for (const animation of change.getAnimations()) {
    animation.cancel();
    animation.play();
  }
  const words = { kind: kindName(movement), amount: money(movement.monto), balance: money(movement.saldo) };
  element("announcer").textContent = text("bank.told", words);
}

function mountLine(live) {
  const line = element("line");
  const show = ({ state }) => {
    const online = String(state === "connected");
    if (line.dataset.online === online) return;
    line.dataset.online = online;
    line.lastElementChild.textContent = text(online === "true" ? "bank.online" : "bank.offline");
  };
  show(live.status);
  live.on("status", show);
}

const live = startBank({
  topics: [`accounts/${cedula}`, "stats"],
  since: given.cursor,
  arrive: ({ transaccion }) => ledger.arrive(transaccion) && flash(transaccion),
  load: () => api(`${rest}/transacciones`),
  show: (movements) => ledger.replace({ movements }),
  stale: text("bank.stale"),
});
mountLine(live);

effect(() => (element("balance").textContent = money(ledger.balance.value)));
const onOlder = olderOf(ledger, `${rest}/transacciones`);
element("movements").replaceChildren();
render(html`<${Movements} ledger=${ledger} onOlder=${onOlder} />`, element("movements"));

function settled({ transaccion_id, nuevo_saldo }, said, monto) {
  // The stream brings this movement too, in order with all others; only while it is down the answer is taken.
  if (live.status.state !== "connected") ledger.settle(transaccion_id, nuevo_saldo);
  element("done").textContent = text(said, { amount: money(monto) });
}
for (const [name, path, said] of [
  ["deposit", "/api/deposito", "bank.deposited"],
  ["withdraw", "/api/retiro", "bank.withdrawn"],
]) {
  const form = element(name);
  if (!form) continue; // the server gives each visitor the forms that are theirs
  form.addEventListener("input", () => (element("done").textContent = ""));
  mountMove({ form, path, cedula, said, settled });
}
