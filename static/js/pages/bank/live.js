// What the bank's pages share of their live side: the window events that other scripts may listen to, the notice that
// nothing comes through, starting anew after a `reset`, and earlier movements on demand.

import { anew } from "../shared/anew.js";
import { startLive } from "../shared/live.js";
import { api, text } from "../shared/page.js";

const RELOAD_MS = 3000;
const WINDOW_EVENTS = { balance_updated: "balanceUpdate", stats_updated: "statsUpdate" };

/**
 * Follow `topics` from the cursor `since`. `arrive` takes a `balance_updated`, perhaps twice; `load` fetches the page's
 * snapshot anew, until it succeeds, and `show` takes it over; `stale` is what the page's notice says while nothing comes
 * through.
 */
export function startBank({ topics, since, arrive, load, show, stale }) {
  const live = startLive({ topics, since });
  for (const [type, name] of Object.entries(WINDOW_EVENTS)) {
    live.on(type, ({ data }) => dispatchEvent(new CustomEvent(name, { detail: data })));
  }
  const { hear, begin } = anew({ load, show, take: arrive, retry: RELOAD_MS });
  live.on("balance_updated", hear);
  live.on("reset", begin);
  mountNotice(live, stale);
  return live;
}

function mountNotice(live, stale) {
  const notice = document.getElementById("stale");
  let wasConnected = false;
  const show = ({ state, code }) => {
    wasConnected ||= state === "connected";
    const closed = state === "closed";
    notice.hidden = state === "connected" || !(closed || wasConnected);
    notice.textContent = notice.hidden ? "" : closed ? text("bank.closed", { code: code ?? "–" }) : stale;
    notice.classList.toggle("bad", closed);
  };
  show(live.status);
  live.on("status", show);
}

/** Return what loads the movements before the earliest of `ledger` from the REST address `rest`. */
export function olderOf(ledger, rest) {
  return async () => {
    ledger.older.value = "loading";
    try {
      ledger.addOlder(await api(`${rest}?before=${ledger.movements.value.at(-1).transaccion_id}`));
    } catch {
      ledger.older.value = "failed";
    }
  };
}
