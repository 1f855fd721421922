// The notices to one owner (topic `user/{id}`), as toasts, and what else the page says in passing.
// Owns whose notices are followed, remembered in this browser.

import htm from "htm";
import { signal } from "@preact/signals";
import { createElement } from "preact";
import { text } from "../shared/page.js";
import { money, ownerName, when } from "./words.js";

const html = htm.bind(createElement);
const KEY = "envivo.clinic.owner";
const SHOWN = 4;
const SHOWN_MS = 9000;
const FAREWELL_MS = 30_000; // of a toast under the pointer or the focus

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export class Notices {
  owner = signal(null); // user id, a string
  toasts = signal([]);
  #live;
  #store;
  #next = 0;

  constructor(live, store) {
    this.#live = live;
    this.#store = store;
    live.on("notification", (message) => this.#tell(message));
    if (remembered()) this.follow(remembered());
  }

  /** Follow the notices of the owner `userId`, or of nobody (null). */
  follow(userId) {
    if (this.owner.value !== null) this.#live.unsubscribe(`user/${this.owner.value}`);
    this.owner.value = userId === null ? null : String(userId);
    try {
      if (userId === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, String(userId));
    } catch {
      // it holds for as long as the page is open
    }
    if (userId !== null) this.#live.subscribe(`user/${userId}`);
  }

  /** Say `words` in passing, under a `title`; `kind` "bad" for what did not work. */
  say(words, kind, title = "") {
    const toast = { id: (this.#next += 1), words, kind, title };
    this.toasts.value = [...this.toasts.value, toast].slice(-SHOWN);
    const leave = (ms) => setTimeout(() => (isHeld(toast.id) ? leave(SHOWN_MS) : this.drop(toast.id)), ms);
    leave(kind === "bad" ? FAREWELL_MS : SHOWN_MS);
  }

  drop(id) {
    this.toasts.value = this.toasts.value.filter((toast) => toast.id !== id);
  }

  #tell({ user_id, notification_type: kind, data }) {
    if (String(user_id) !== this.owner.value) return;
    const [, entity, action] = /^(.+)_(created|updated|deleted)$/.exec(kind);
    const amount = data.balance ?? data.amount;
    const told = [text(`clinic.kind_${entity}`), data.pet_name, data.starts_at && when(data.starts_at), amount != null && money(amount)];
    const words = text(`clinic.notice_${action}`, { what: told.filter(Boolean).join(" · ") });
    this.say(words, "told", text("clinic.notice_to", { name: ownerName(this.#store, user_id) }));
  }
}

const isHeld = (id) => document.querySelector(`[data-toast="${id}"]:is(:hover, :focus-within)`) !== null;

/** Draw the toasts and, where somebody's notices are followed, whose. */
export function NoticesView({ store, notices }) {
  const owner = notices.owner.value;
  return html`
    <div class="toasts" role="log" aria-live="polite" aria-label=${text("clinic.notices")}>
      ${notices.toasts.value.map(
        ({ id, words, kind, title }) => html`<div key=${id} class="toast ${kind}" data-toast=${id}>
          <p>${title && html`<strong>${title}</strong><br />`}${words}</p>
          <button type="button" class="linkish" aria-label=${text("clinic.dismiss")} onClick=${() => notices.drop(id)}>✕</button>
        </div>`,
      )}
    </div>
    ${owner !== null &&
    html`<p class="following small">${text("clinic.following", { name: ownerName(store, owner) })}
      <button class="linkish" type="button" aria-label=${text("clinic.unfollow")} onClick=${() => notices.follow(null)}>✕</button></p>`}`;
}
