// What the bank's pages know, and how they begin anew while the stream goes on.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { register } from "node:module";
import { test } from "node:test";

import { anew } from "../../static/js/pages/shared/anew.js";

const vendor = new URL("../../static/vendor/", import.meta.url);
const folder = readdirSync(vendor).find((name) => name.startsWith("preact-signals-core-"));
const url = new URL(`${folder}/signals-core.mjs`, vendor).href;
const hooks = `export const resolve = (specifier, context, next) =>
  specifier === "@preact/signals" ? { url: ${JSON.stringify(url)}, format: "module", shortCircuit: true } : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
const { KnownMovements } = await import("../../static/js/pages/bank/state.js");

const movement = (transaccion_id, saldo) => ({ transaccion_id, saldo, monto: 1, tipo: "deposito" });
const ids = (ledger) => ledger.movements.value.map(({ transaccion_id }) => transaccion_id);

/** A ledger of one movement that begins anew from the snapshots that `answers` resolve or reject to, one after another. */
function page(...answers) {
  const ledger = new KnownMovements({ movements: [movement(1, 10)] });
  const [load, show] = [() => answers.shift(), (movements) => ledger.replace({ movements })];
  return { ledger, ...anew({ load, show, take: (one) => ledger.arrive(one), retry: 1 }) };
}

test("what came while a snapshot was on its way is not lost with it", async () => {
  const snapshot = deferred();
  const { ledger, hear, begin } = page(snapshot.promise);
  const begun = begin();
  hear(movement(3, 30));
  snapshot.resolve([movement(2, 20), movement(1, 10)]);
  await begun;
  assert.deepEqual([ids(ledger), ledger.balance.value], [[3, 2, 1], 30]);
  hear(movement(4, 40));
  assert.deepEqual([ids(ledger), ledger.balance.value], [[4, 3, 2, 1], 40]);
});

test("a snapshot that holds what came already changes nothing of it", async () => {
  const snapshot = deferred();
  const { ledger, hear, begin } = page(snapshot.promise);
  const begun = begin();
  hear(movement(2, 20));
  snapshot.resolve([movement(3, 30), movement(2, 20), movement(1, 10)]);
  await begun;
  assert.deepEqual([ids(ledger), ledger.balance.value], [[3, 2, 1], 30]);
});

test("of two resets the later one counts, whichever answer comes first", async () => {
  const [first, second] = [deferred(), deferred()];
  const { ledger, hear, begin } = page(first.promise, second.promise);
  const begun = [begin(), begin()];
  second.resolve([movement(5, 50)]);
  await begun[1];
  hear(movement(6, 60));
  assert.deepEqual(ids(ledger), [6, 5]);
  first.resolve([movement(5, 50)]);
  await begun[0];
  assert.deepEqual([ids(ledger), ledger.balance.value], [[6, 5], 60]);
});

test("a reload that fails is repeated", async () => {
  const { ledger, begin } = page(Promise.reject(new Error("offline")), [movement(2, 20), movement(1, 10)]);
  await begin();
  assert.deepEqual(ids(ledger), [1]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(ids(ledger), [2, 1]);
});

function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}
