// Who is in the room, who was, and who is typing, as drawn. It must not talk to the network.

import htm from "htm";
import { createElement } from "preact";
import { ago, hue, initial, text } from "../shared/page.js";

const html = htm.bind(createElement);

function Person({ user, note, away }) {
  return html`<li class=${away ? "person away" : "person"} data-user=${user.user_id}>
    <span class="avatar ${hue(user.user_id)}" aria-hidden="true">${initial(user.username)}</span>
    <span class="person-words"><strong>${user.username}</strong>${note && html` <small class="muted">${note}</small>`}</span>
  </li>`;
}

/** Draw the people of `talk` (a RoomTalk); `failed` tells that the list could not be loaded. */
export function People({ talk, failed }) {
  const online = [...talk.online.value].sort((a, b) => a.username.localeCompare(b.username));
  const here = new Set(online.map((user) => String(user.user_id)));
  const away = talk.lastSeen.value.filter((user) => !here.has(String(user.user_id)));
  return html`
    <h2>${text("chat.online", { n: online.length })}</h2>
    <ul class="persons" data-list="online">
      ${online.map((user) => html`<${Person} key=${user.user_id} user=${user} note=${talk.isMe(user.user_id) && text("chat.you")} />`)}
    </ul>
    ${failed.value && html`<p class="muted small">${text("chat.presence_failed")}</p>`}
    ${!failed.value && online.length < 2 && html`<p class="muted small">${text("chat.nobody")}</p>`}
    ${away.length > 0 &&
    html`<h2>${text("chat.last_seen")}</h2>
      <ul class="persons" data-list="last-seen">
        ${away.map((user) => html`<${Person} key=${user.user_id} user=${user} note=${ago(user.last_seen)} away />`)}
      </ul>`}
  `;
}

/** Draw one line that names who is typing; empty when nobody is. */
export function Typing({ talk }) {
  const names = [...talk.typists.value.values()].map((typist) => typist.username);
  if (!names.length) return null;
  const kind = ["one", "two"][names.length - 1] ?? "many";
  const line = text(`chat.typing_${kind}`, { a: names[0], b: names[1] });
  return html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span> ${line}`;
}

/** Let `button` show and hide `panel`: on a phone the people are folded away. */
export function mountToggle(button, panel) {
  const show = (open) => {
    panel.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || button.getAttribute("aria-expanded") !== "true") return;
    show(false);
    button.focus();
  });
}
