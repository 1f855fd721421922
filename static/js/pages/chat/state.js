// One conversation as this window knows it: messages, what is on its way, who is here, who types, who read how far.
// Pure state in signals; every change may be applied twice. It must not touch the page or the network.

import { computed, signal } from "@preact/signals";

export const TYPING_MS = 6000; // a typist who says nothing more for so long has stopped: 5 s, and one for the way

const same = (a, b) => String(a) === String(b);

export class RoomTalk {
  constructor({ me, messages, receipts }) {
    this.me = me;
    this.messages = signal(messages);
    this.pending = signal([]);
    this.online = signal([]);
    this.lastSeen = signal([]);
    this.typists = signal(new Map());
    this.receipts = signal(new Map());
    this.older = signal(messages.length < 50 ? "end" : "idle"); // idle | loading | failed | end
    for (const receipt of receipts) this.read(receipt);
    this.last = computed(() => this.messages.value.at(-1) ?? null);
    this.seen = computed(() => seenBy(this.messages.value, this.receipts.value, me));
  }

  isMe(userId) {
    return this.me !== null && same(userId, this.me.user_id);
  }

  /** Take `messages` in any order, known ones again or not; the list stays in order of id. */
  merge(messages) {
    const byId = new Map(this.messages.value.map((message) => [message.id, message]));
    for (const message of messages) byId.set(message.id, message);
    this.messages.value = [...byId.values()].sort((a, b) => a.id - b.id);
    const known = this.pending.value.filter((entry) => !byId.has(entry.id));
    if (known.length !== this.pending.value.length) this.pending.value = known;
  }

  /** Begin again from `messages` after a reset; what is on its way stays. */
  replace(messages) {
    this.messages.value = [];
    this.older.value = messages.length < 50 ? "end" : "idle";
    this.merge(messages);
  }

  /** Take one new message from the stream; one of mine takes the place of its pending bubble. */
  arrive(message) {
    if (this.isMe(message.user_id)) {
      const waiting = this.pending.value;
      const match =
        waiting.find((entry) => entry.id === message.id) ??
        waiting.find((entry) => entry.state === "sending" && entry.content === message.content);
      if (match) this.pending.value = waiting.filter((entry) => entry !== match);
    }
    this.merge([message]);
    this.stopTyping(message.user_id);
  }

  /** Show `content` at once, under `key`, as on its way. */
  post(key, content) {
    this.pending.value = [...this.pending.value, { key, content, at: new Date().toISOString(), state: "sending" }];
  }

  /** Change the pending entry `key`: {state: "failed", why} or {state: "sent", id}. */
  mark(key, change) {
    const known = this.messages.value.some((message) => message.id === change.id);
    if (known) this.drop(key);
    else this.pending.value = this.pending.value.map((entry) => (entry.key === key ? { ...entry, ...change } : entry));
  }

  drop(key) {
    this.pending.value = this.pending.value.filter((entry) => entry.key !== key);
  }

  join(user) {
    if (!this.online.value.some((other) => same(other.user_id, user.user_id)))
      this.online.value = [...this.online.value, user];
    this.lastSeen.value = this.lastSeen.value.filter((other) => !same(other.user_id, user.user_id));
  }

  leave(user, at) {
    this.online.value = this.online.value.filter((other) => !same(other.user_id, user.user_id));
    const others = this.lastSeen.value.filter((other) => !same(other.user_id, user.user_id));
    this.lastSeen.value = [{ ...user, last_seen: at }, ...others];
    this.stopTyping(user.user_id);
  }

  type({ user_id, username, is_typing }, now = Date.now()) {
    if (this.isMe(user_id)) return;
    if (!is_typing) return this.stopTyping(user_id);
    this.typists.value = new Map(this.typists.value).set(String(user_id), { username, until: now + TYPING_MS });
  }

  stopTyping(userId) {
    if (!this.typists.value.has(String(userId))) return;
    const typists = new Map(this.typists.value);
    typists.delete(String(userId));
    this.typists.value = typists;
  }

  /** Forget typists of whom nothing was heard for a while. */
  expireTyping(now = Date.now()) {
    const current = [...this.typists.value].filter(([, typist]) => typist.until > now);
    if (current.length !== this.typists.value.size) this.typists.value = new Map(current);
  }

  read({ user_id, username, message_id }) {
    const before = this.receipts.value.get(String(user_id));
    if (before && before.message_id >= message_id) return;
    this.receipts.value = new Map(this.receipts.value).set(String(user_id), { user_id, username, message_id });
  }
}

/** Return Map(message id → readers): the last message of `messages` each other person has read, unless it is their own. */
function seenBy(messages, receipts, me) {
  const seen = new Map();
  for (const reader of receipts.values()) {
    if (me && same(reader.user_id, me.user_id)) continue;
    const last = messages.findLast((message) => message.id <= reader.message_id);
    if (!last || same(last.user_id, reader.user_id)) continue;
    seen.set(last.id, [...(seen.get(last.id) ?? []), reader]);
  }
  return seen;
}
