// One room: takes over the page the server drew, goes live from its cursor, and wires state, list, people and composer.

import htm from "htm";
import { createElement, render } from "preact";
import { effect, signal } from "@preact/signals";
import { anew } from "../shared/anew.js";
import { mountComposer } from "./composer.js";
import { MessageList } from "./list.js";
import { mountName } from "./name.js";
import { mountToggle, People, Typing } from "./people.js";
import { mountScroll } from "./scroll.js";
import { RoomTalk } from "./state.js";
import { mountStatus } from "./status.js";
import { startLive } from "../shared/live.js";
import { api, island, text } from "../shared/page.js";
import { visitor } from "../shared/visitor.js";

const PAGE = 50;
const RELOAD_MS = 3000;
const html = htm.bind(createElement);
const element = (id) => document.getElementById(id);
const given = island("chat");
const me = visitor(given.me);
const topic = `rooms/${given.room.id}`;
const rest = `/api/rooms/${given.room.id}`;
const talk = new RoomTalk({ me, messages: given.messages, receipts: given.receipts });
const presenceFailed = signal(false);

/** The connection of the page; a visitor without a name reads along as a guest, and gets a name to write with from the form. */
const live = startLive({ topics: [topic], since: given.cursor, person: me });
const send = (message) => live.send(topic, message);

async function loadOlder() {
  talk.older.value = "loading";
  try {
    const first = talk.messages.value[0];
    const older = await api(`${rest}/messages?before=${first.id}&limit=${PAGE}`);
    talk.merge(older);
    talk.older.value = older.length < PAGE ? "end" : "idle";
  } catch {
    talk.older.value = "failed";
  }
}

/** Load who was here before; who is here now is told by the stream, in order. */
async function loadLastSeen() {
  try {
    const { last_seen } = await api(`${rest}/presence`);
    talk.lastSeen.value = last_seen;
    presenceFailed.value = false;
  } catch {
    presenceFailed.value = true;
  }
}

/** Take the last page of messages anew, as often as it takes, where the server cannot continue from our cursor. */
const beginning = anew({
  load: () => api(`${rest}/messages?limit=${PAGE}`),
  show: (messages) => talk.replace(messages),
  take: ({ data }) => talk.arrive(data),
  retry: RELOAD_MS,
});

function announce(message) {
  if (talk.isMe(message.user_id)) return;
  const line = document.createElement("p");
  line.textContent = text("chat.said", { name: message.username, content: message.content });
  element("announcer").append(line);
  while (element("announcer").children.length > 5) element("announcer").firstChild.remove();
}

function follow() {
  live.on("connected", ({ data }) => {
    talk.online.value = data.active_users;
    loadLastSeen();
  });
  live.on("history", ({ data }) => talk.merge(data.messages));
  live.on("user_joined", ({ data }) => talk.join(data));
  live.on("user_left", ({ data, timestamp }) => talk.leave(data, timestamp));
  live.on("typing", ({ data }) => talk.type(data));
  live.on("read", ({ data }) => talk.read(data));
  live.on("message", (message) => {
    beginning.hear(message);
    announce(message.data);
  });
  live.on("reset", () => beginning.begin());
  setInterval(() => talk.expireTyping(), 1000);
}

const composer = me ? mountComposer(element("composer"), talk, send) : { retry() {}, discard() {} };
const scroll = mountScroll({
  scroller: element("scroller"),
  toEnd: element("to-end"),
  talk,
  onOlder: loadOlder,
  onRead: (message) => (me ? send({ type: "read", message_id: message.id }) : Promise.resolve()),
});
mountName({ form: element("name-form"), composer: element("composer"), rename: element("rename"), note: element("me-note"), me });
mountToggle(document.querySelector(".people-toggle"), element("people"));
mountStatus({ live, talk, notice: element("offline"), room: given.room });

const actions = { older: loadOlder, retry: composer.retry, discard: composer.discard };
element("messages").replaceChildren();
render(html`<${MessageList} talk=${talk} actions=${actions} onDrawn=${scroll.settled} />`, element("messages"));
render(html`<${People} talk=${talk} failed=${presenceFailed} />`, element("people"));
render(html`<${Typing} talk=${talk} />`, element("typing"));
effect(() => (element("online-count").textContent = talk.online.value.length || ""));
follow();
