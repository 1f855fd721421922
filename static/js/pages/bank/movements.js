// A list of movements, newest first, with a button for earlier ones. Draws what `_movements.html` draws.

import htm from "htm";
import { createElement } from "preact";
import { language, text } from "../shared/page.js";
import { money, signed } from "./money.js";

const html = htm.bind(createElement);
const TWO = "2-digit";
const MOMENT = new Intl.DateTimeFormat(language, {
  day: "numeric", month: "short", year: "numeric", hour: TWO, minute: TWO, hourCycle: "h23",
}); // prettier-ignore

export const kindName = ({ tipo }) => text(`bank.kind_${tipo}`);

function Movement({ movement, named, fresh }) {
  const { transaccion_id, cedula, nombre, tipo, saldo, created_at } = movement;
  const way = tipo === "retiro" ? "out" : "in";
  const kind = kindName(movement);
  return html`<li class=${fresh ? "movement fresh" : "movement"} data-id=${transaccion_id}>
    <span class="movement-mark ${way}" aria-hidden="true">${way === "out" ? "↑" : "↓"}</span>
    <span class="movement-words">
      <strong>${named ? html`<a href="/bank/${cedula}">${nombre}</a>` : kind}</strong>
      <span class="muted small">${named && `${kind} · `}<time datetime=${created_at}>${MOMENT.format(new Date(created_at))}</time></span>
    </span>
    <span class="movement-money number"><strong class=${way}>${signed(movement)}</strong
      ><span class="muted small">${text("bank.balance_after", { amount: money(saldo) })}</span></span>
  </li>`;
}

const OLDER = { idle: "bank.older", loading: "bank.loading", failed: "bank.older_failed" };

/** Draw the movements of `ledger`; `named` shows whose each is; `onOlder` loads earlier ones. */
export function Movements({ ledger, named = false, onOlder }) {
  const movements = ledger.movements.value;
  const older = ledger.older.value;
  if (!movements.length) return html`<p class="empty">${text("bank.no_movements")}</p>`;
  return html`<ol class=${named ? "movements named" : "movements"}>
      ${movements.map(
        (movement) => html`<${Movement} key=${movement.transaccion_id} movement=${movement} named=${named}
          fresh=${ledger.fresh.value.has(movement.transaccion_id)} />`,
      )}
    </ol>
    ${older in OLDER && html`<button class="button plain older" type="button" aria-disabled=${older === "loading"}
      onClick=${() => older !== "loading" && onOlder()}>${text(OLDER[older])}</button>`}`;
}
