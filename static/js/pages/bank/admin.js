// The administration panel: the live counters with their chart, and what moves in the whole bank.

import htm from "htm";
import { createElement, render } from "preact";
import { mountChart } from "./chart.js";
import { olderOf, startBank } from "./live.js";
import { Movements } from "./movements.js";
import { KnownMovements } from "./state.js";
import { api, island, text } from "../shared/page.js";

const MOST = 1000; // movements that a panel that stays open for days keeps
const html = htm.bind(createElement);
const given = island("bank");
const REST = "/api/transacciones";
const ledger = new KnownMovements({ movements: given.movements, most: MOST });
const chart = mountChart(document.getElementById("chart"));
const counters = [...document.querySelectorAll("[data-counter]")];

function show(statistics, at) {
  for (const counter of counters) counter.textContent = statistics[counter.dataset.counter];
  chart.add(at, statistics, text("bank.chart", statistics));
}

const live = startBank({
  topics: ["balances", "stats"],
  since: given.cursor,
  arrive: ({ transaccion }) => ledger.arrive(transaccion),
  load: () => api(REST),
  show: (movements) => ledger.replace({ movements }),
  stale: text("bank.stale_list"),
});
live.on("stats_updated", ({ data, timestamp }) => show(data.estadisticas, timestamp));

const host = document.getElementById("movements");
host.replaceChildren();
render(html`<${Movements} ledger=${ledger} named onOlder=${olderOf(ledger, REST)} />`, host);
