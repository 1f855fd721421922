// The messages as they are drawn: days, people, bubbles, receipts, and what is still on its way.
// Same markup as the server's first page, so that taking over shows no flash. It must not talk to the network.

import htm from "htm";
import "@preact/signals";
import { createElement } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { clock, dayKey, dayName, hue, initial, text } from "../shared/page.js";

const html = htm.bind(createElement);
const TOGETHER_MS = 5 * 60 * 1000; // messages of one person so close together are one block

function follows(message, before) {
  if (!before || String(before.user_id) !== String(message.user_id)) return false;
  return new Date(message.created_at) - new Date(before.created_at) < TOGETHER_MS;
}

function Seen({ readers }) {
  if (!readers) return null;
  const label = text("chat.read_by", { names: readers.map((reader) => reader.username).join(", ") });
  return html`<p class="seen" title=${label}>
    <span class="unseen">${label}</span>
    ${readers.map(
      (reader) =>
        html`<span key=${reader.user_id} class="avatar tiny ${hue(reader.user_id)}" aria-hidden="true">${initial(reader.username)}</span>`,
    )}
  </p>`;
}

function Message({ message, mine, follow, readers }) {
  const classes = ["message", mine && "mine", follow && "follows", hue(message.user_id)].filter(Boolean).join(" ");
  return html`<li class=${classes} data-id=${message.id}>
    <span class="avatar" aria-hidden="true">${initial(message.username)}</span>
    <div class="said">
      <p class="who"><strong><bdi>${message.username}</bdi></strong> <time datetime=${message.created_at}>${clock(message.created_at)}</time></p>
      <p class="bubble"><bdi>${message.content}</bdi></p>
      <${Seen} readers=${readers} />
    </div>
  </li>`;
}

function Pending({ entry, me, follow, onRetry, onDiscard }) {
  const failed = entry.state === "failed";
  return html`<li class="message mine pending ${follow ? "follows" : ""} ${hue(me.user_id)}" data-state=${entry.state}>
    <span class="avatar" aria-hidden="true">${initial(me.username)}</span>
    <div class="said">
      <p class="who"><strong><bdi>${me.username}</bdi></strong> <time datetime=${entry.at}>${clock(entry.at)}</time></p>
      <p class="bubble"><bdi>${entry.content}</bdi></p>
      ${entry.state === "sending" && html`<p class="fate">${text("chat.sending")}</p>`}
      ${failed &&
      html`<p class="fate bad" role="alert">
        ${text("chat.failed", { why: entry.why })}
        <button class="linkish" type="button" onClick=${() => onRetry(entry)}>${text("chat.retry")}</button>
        <button class="linkish" type="button" onClick=${() => onDiscard(entry)}>${text("chat.discard")}</button>
      </p>`}
    </div>
  </li>`;
}

function Top({ state, onOlder }) {
  if (state === "end") return html`<p class="beginning">${text("chat.beginning")}</p>`;
  if (state === "failed")
    return html`<p class="beginning">
      ${text("chat.older_failed")} <button class="linkish" type="button" onClick=${onOlder}>${text("chat.retry")}</button>
    </p>`;
  return html`<p class="beginning" aria-hidden=${state !== "loading"}>${state === "loading" ? text("chat.loading") : "···"}</p>`;
}

/**
 * Draw the whole list of `talk` (a RoomTalk); `actions` has older(), retry(entry) and discard(entry).
 * `onDrawn()` is called before the browser paints what has changed.
 */
export function MessageList({ talk, actions, onDrawn }) {
  useLayoutEffect(onDrawn);
  const messages = talk.messages.value;
  const pending = talk.pending.value;
  const seen = talk.seen.value;
  if (!messages.length && !pending.length) return html`<p class="empty">${text("chat.empty")}</p><ol class="messages"></ol>`;
  const rows = [];
  messages.forEach((message, i) => {
    const before = messages[i - 1];
    const newDay = !before || dayKey(before.created_at) !== dayKey(message.created_at);
    if (newDay) rows.push(html`<li class="day" key=${`day ${dayKey(message.created_at)}`}><span>${dayName(message.created_at)}</span></li>`);
    rows.push(
      html`<${Message} key=${message.id} message=${message} mine=${talk.isMe(message.user_id)}
        follow=${!newDay && follows(message, before)} readers=${seen.get(message.id)} />`,
    );
  });
  pending.forEach((entry, i) => {
    const last = talk.last.value;
    const follow = i > 0 || (last !== null && follows({ user_id: talk.me.user_id, created_at: entry.at }, last));
    rows.push(
      html`<${Pending} key=${entry.key} entry=${entry} me=${talk.me} follow=${follow}
        onRetry=${actions.retry} onDiscard=${actions.discard} />`,
    );
  });
  return html`<${Top} state=${talk.older.value} onOlder=${actions.older} /><ol class="messages">${rows}</ol>`;
}
