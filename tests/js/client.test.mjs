// The client as a page sees it: rungs, hand-overs, waiting, sends, topics.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { LiveClient } from "../../static/js/envivo/client.js";
import { endingOfClose } from "../../static/js/envivo/endings.js";
import { FakeWorld, settle } from "./fakes.mjs";

let world;

beforeEach(() => {
  world = new FakeWorld();
});

const welcomes = (connection) => connection.welcome();
const fails = (connection) => connection.end({});

async function connect(options = {}) {
  const live = new LiveClient({ topics: ["rooms/1"], ...options }, world.environment());
  live.heard = [];
  live.on("*", (message) => live.heard.push(message));
  await settle();
  return live;
}

const contents = (live) => live.heard.filter((m) => m.type === "message").map((m) => m.data);
const durable = (n) => ({ type: "message", topic: "rooms/1", id: `e-${n}`, data: n });

test("a WebSocket that welcomes is taken", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  assert.equal(live.status.state, "connected");
  assert.equal(live.status.transport, "ws");
  assert.equal(live.status.why[0].outcome, "opened");
  assert.deepEqual(live.heard.map((m) => m.type), ["connected"]);
});

test("a refused WebSocket leaves event streams; one that buffers leaves polling", async () => {
  Object.assign(world.behaviour, { ws: fails, poll: welcomes });
  const live = await connect();
  assert.equal(live.status.state, "connecting");
  await world.pass(3999);
  assert.equal(world.last.name, "sse");
  await world.pass(1);
  assert.equal(live.status.transport, "poll");
  const seen = live.status.why.map(({ transport, outcome }) => `${transport} ${outcome}`);
  assert.deepEqual(seen, ["ws failed", "sse failed", "poll opened"]);
  assert.match(live.status.why[1].seen, /4000 ms/);
  assert.equal(live.status.why[1].took_ms, 4000);
});

test("a server that is down is waited for, and met on the first rung", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: fails, poll: fails });
  const live = await connect();
  assert.equal(live.status.state, "waiting");
  assert.ok(Date.parse(live.status.retry_at) >= world.time);
  await world.pass(120_000);
  Object.assign(world.behaviour, { ws: welcomes });
  await world.pass(30_000);
  assert.equal(live.status.transport, "ws");
});

test("a better rung is probed and taken over without a gap or a repeat", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: welcomes });
  const live = await connect();
  const old = world.last;
  old.tell(durable(1));
  world.behaviour.ws = () => {};
  await world.pass(8000);
  const candidate = world.last;
  assert.equal(candidate.name, "ws");
  assert.equal(candidate.request.since, "e-1");
  assert.equal(live.status.transport, "sse");
  old.tell(durable(2));
  candidate.welcome();
  assert.equal(live.status.transport, "sse");
  for (const n of [2, 3]) candidate.tell(durable(n));
  assert.deepEqual(contents(live), [1, 2]);
  await world.pass(500);
  assert.equal(old.state, "left");
  assert.deepEqual(contents(live), [1, 2, 3]);
  const { transport, gaps, repeats, id } = live.status;
  assert.deepEqual({ transport, gaps, repeats, id }, { transport: "ws", gaps: 0, repeats: 0, id: "e-3" });
});

const signal = (n) => ({ type: "message", topic: "rooms/1", timestamp: `t${n}`, data: n });

async function onEventsWithACandidate() {
  Object.assign(world.behaviour, { ws: fails, sse: welcomes });
  const live = await connect();
  const old = world.last;
  world.behaviour.ws = () => {};
  await world.pass(8000);
  return { live, old, candidate: world.last };
}

test("signals at a change of transport are told once, and those on their way arrive", async () => {
  const { live, old, candidate } = await onEventsWithACandidate();
  old.tell(signal(1));
  candidate.welcome();
  old.tell(signal(2)); // published before the candidate followed
  candidate.tell(signal(3)); // from here on both bring them
  candidate.tell(signal(4));
  old.tell(signal(3));
  await world.pass(500);
  assert.equal(live.status.transport, "ws");
  assert.deepEqual(contents(live), [1, 2, 3, 4]);
  candidate.tell(signal(5));
  candidate.tell(signal(5));
  assert.deepEqual(contents(live), [1, 2, 3, 4, 5, 5]);
});

test("what the old connection told first, the new one brings late, and it is told once", async () => {
  const { live, old, candidate } = await onEventsWithACandidate();
  candidate.welcome();
  for (const n of [1, 2, 2]) old.tell(signal(n));
  await world.pass(500);
  for (const n of [1, 2, 2, 3]) candidate.tell(signal(n));
  assert.deepEqual(contents(live), [1, 2, 2, 3]);
});

test("a state's value told anew by the new connection is followed by the newer one", async () => {
  const { live, old, candidate } = await onEventsWithACandidate();
  old.tell(signal(1));
  candidate.welcome();
  candidate.tell({ ...signal(0), timestamp: "before" }); // the value when it was opened
  candidate.tell(signal(2));
  old.tell(signal(2));
  await world.pass(500);
  assert.equal(contents(live).at(-1), 2);
});

test("a connection that ends while another stands ready is replaced at once", async () => {
  const { live, old, candidate } = await onEventsWithACandidate();
  candidate.welcome();
  candidate.tell(signal(1));
  old.end({});
  assert.equal(live.status.transport, "ws");
  assert.deepEqual(contents(live), [1]);
});

test("a candidate that dies young changes nothing", async () => {
  const { live, old, candidate } = await onEventsWithACandidate();
  candidate.welcome();
  candidate.end({});
  old.tell(signal(1));
  await world.pass(500);
  assert.equal(live.status.transport, "sse");
  assert.deepEqual(contents(live), [1]);
});

test("from polling a better rung goes on at the very signal", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: fails, poll: welcomes });
  const live = await connect();
  const poll = world.last;
  poll.tell(signal(1));
  poll.handlers.cursor("e-0.run.7");
  world.behaviour.ws = () => {};
  await world.pass(10_000);
  assert.equal(world.last.request.since, "e-0.run.7");
  assert.equal(live.status.id, "e-0");
  poll.end({});
  world.behaviour.ws = fails;
  world.last.end({});
  world.behaviour.poll = () => {};
  await settle();
  await world.pass(1000);
  assert.equal(world.last.name, "poll");
  assert.equal(world.last.request.since, "e-0");
});

test("an orderly end blames no rung, however young and however often", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  for (const code of [1000, 1001, 1005, 1008, 1009, 1011, 1000, 1001]) {
    world.last.end(endingOfClose(code));
    while (live.status.state !== "connected") await world.pass(100);
    assert.equal(live.status.transport, "ws", `closed ${code}`);
  }
  for (let i = 0; i < 5; i += 1) {
    world.last.tell({ type: "bye", data: { retry_after: 100 } });
    await world.pass(200);
  }
  assert.equal(live.status.transport, "ws");
  assert.deepEqual(new Set(world.connections.map(({ name }) => name)), new Set(["ws"]));
});

test("a server that asks for no wait at all is not asked in a tight loop", async () => {
  world.behaviour.ws = (connection) => {
    connection.welcome();
    connection.tell({ type: "bye", data: { retry_after: 0 } });
  };
  await connect();
  await world.pass(60_000);
  assert.ok(world.connections.length < 20, `${world.connections.length} tries`);
});

test("what the server fails at is repeated for a minute, then told", async () => {
  world.behaviour.ws = (connection) => {
    connection.welcome();
    const fail = ({ key, type }) => {
      if (type === "message") connection.tell({ type: "error", key, data: { code: "internal", message: "oh" } });
    };
    connection.sent.push = (message) => queueMicrotask(() => fail(message)) ?? 1;
  };
  const live = await connect();
  let outcome = "waiting";
  live.send("rooms/1", { type: "message" }).catch((error) => {
    outcome = error.code;
  });
  await world.pass(59_000);
  assert.equal(outcome, "waiting");
  await world.pass(40_000);
  assert.equal(outcome, "internal");
});

test("a name that the server refuses is refused here, by its name", async () => {
  const live = await connect();
  for (const topic of ["log/..", "..", "./a"]) {
    assert.throws(() => live.subscribe(topic), new RegExp(`not a topic name: "${topic.replaceAll(".", "\\.")}" .*segments`));
    await assert.rejects(live.send(topic, { type: "x" }), TypeError);
  }
  assert.throws(() => new LiveClient({ topics: ["log/.."] }, world.environment()), TypeError);
});

test("a probe that fails leaves the connection alone and comes back later", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: welcomes });
  const live = await connect();
  await world.pass(25_000);
  const tries = world.connections.map(({ name }) => name);
  assert.deepEqual(tries, ["ws", "sse", "ws", "ws"]);
  assert.equal(live.status.transport, "sse");
  assert.equal(world.live.length, 1);
});

test("two missed heartbeats demote, and the lower rung goes on from the cursor", async () => {
  Object.assign(world.behaviour, { ws: welcomes, sse: welcomes });
  const live = await connect();
  world.last.tell(durable(1));
  await world.pass(65_001);
  assert.equal(live.status.transport, "sse");
  assert.equal(world.last.request.since, "e-1");
  assert.ok(live.status.why.some(({ transport, outcome }) => transport === "ws" && outcome === "stalled"));
});

test("answers to sends do not keep a stalled event stream alive", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: welcomes, poll: welcomes });
  const live = await connect();
  world.behaviour.ws = () => {};
  for (let i = 0; i < 13; i += 1) {
    for (const { key } of world.live[0].sent.splice(0)) world.live[0].reply({ type: "pong", key });
    await world.pass(5001);
  }
  assert.ok(live.status.why.some(({ transport, outcome }) => transport === "sse" && outcome === "stalled"));
  assert.equal(live.status.transport, "poll");
});

test("three deaths in the first seconds demote", async () => {
  Object.assign(world.behaviour, { ws: welcomes, sse: welcomes });
  const live = await connect();
  for (let death = 1; death <= 3; death += 1) {
    assert.equal(live.status.transport, "ws");
    await world.pass(1000);
    world.last.end({});
    await world.pass(3000);
  }
  assert.equal(live.status.transport, "sse");
});

test("the choice is remembered for the next page, and expires", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: welcomes });
  (await connect()).close();
  world.connections = [];
  const next = await connect();
  assert.deepEqual(world.connections.map(({ name }) => name), ["sse"]);
  next.close();
  world.time += 600_001;
  world.connections = [];
  await connect();
  assert.equal(world.connections[0].name, "ws");
});

test("bye is obeyed to the millisecond and blames nobody", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  world.last.tell({ type: "bye", data: { reason: "shutdown", retry_after: 1234 } });
  assert.equal(live.status.state, "waiting");
  await world.pass(1233);
  assert.equal(world.connections.length, 1);
  await world.pass(1);
  assert.equal(world.connections.length, 2);
  assert.equal(live.status.transport, "ws");
});

test("a refusal for good closes, with its code and the server's words", async () => {
  world.behaviour.ws = (connection) => {
    connection.tell({ type: "error", data: { code: "room_not_found", message: "no room 9" } });
    connection.end({ kind: "stop", code: 4404 });
  };
  const live = await connect();
  assert.equal(live.status.state, "closed");
  assert.equal(live.status.code, 4404);
  assert.equal(live.heard[0].data.code, "room_not_found");
  await world.pass(600_000);
  assert.equal(world.connections.length, 1);
  await assert.rejects(live.send("rooms/1", { type: "message" }), { code: "closed" });
});

test("online tries at once, but not before the time the server named", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: fails, poll: fails });
  const live = await connect();
  await world.pass(200_000);
  const tried = world.connections.length;
  world.behaviour.ws = welcomes;
  world.page.online();
  await world.pass(0);
  assert.equal(world.connections.length, tried + 1);
  world.last.tell({ type: "bye", data: { retry_after: 5000 } });
  world.page.online();
  await world.pass(4999);
  assert.equal(live.status.state, "waiting");
  await world.pass(1);
  assert.equal(live.status.state, "connected");
});

test("offline asks whether the connection lives, and believes only silence", async () => {
  Object.assign(world.behaviour, { ws: welcomes, sse: fails, poll: fails });
  const live = await connect();
  world.page.offline();
  const ping = world.last.sent.findLast((message) => message.type === "ping");
  world.last.tell({ type: "pong", key: ping.key });
  await world.pass(5000);
  assert.equal(live.status.state, "connected");
  world.behaviour.ws = fails;
  world.page.offline();
  await world.pass(5000);
  assert.equal(live.status.state, "waiting");
});

test("a hidden page tries no more than every 30 s, and at once when it is seen", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: fails, poll: fails });
  const live = await connect();
  world.hidden = true;
  world.page.hidden();
  const before = world.connections.length;
  await world.pass(29_000);
  assert.equal(world.connections.length, before);
  world.behaviour.ws = welcomes;
  world.hidden = false;
  world.page.shown();
  await world.pass(0);
  assert.equal(live.status.state, "connected");
});

test("after a sleep the connection is asked whether it lives, not blamed", async () => {
  Object.assign(world.behaviour, { ws: welcomes, sse: welcomes });
  const live = await connect();
  world.time += 3_600_000;
  await world.pass(0);
  assert.equal(live.status.transport, "ws");
  await world.pass(5000);
  assert.equal(world.connections[0].state, "dropped");
  await world.pass(500);
  assert.equal(live.status.transport, "ws");
  assert.equal(world.connections.length, 2);
});

test("a send settles with its acknowledgement", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  const sent = live.send("rooms/1", { type: "message", content: "Hola" });
  const [message] = world.last.said;
  assert.deepEqual({ ...message, key: "" }, { type: "message", content: "Hola", topic: "rooms/1", key: "" });
  world.last.tell({ type: "message_sent", topic: "rooms/1", key: message.key, message_id: 7 });
  assert.equal((await sent).message_id, 7);
});

test("what is unacknowledged is repeated on the next rung, same keys, in order", async () => {
  Object.assign(world.behaviour, { ws: welcomes, sse: welcomes });
  const live = await connect();
  const sends = ["a", "b"].map((content) => live.send("rooms/1", { type: "message", content }));
  const keys = world.last.said.map(({ key }) => key);
  await world.pass(65_001);
  assert.equal(live.status.transport, "sse");
  assert.deepEqual(world.last.said.map(({ key }) => key), [keys[0]]);
  world.last.reply({ type: "message_sent", key: keys[0] });
  await settle();
  assert.deepEqual(world.last.said.map(({ key }) => key), keys);
  world.last.reply({ type: "message_sent", key: keys[1] });
  await Promise.all(sends);
});

test("a busy server gets the same message again, after the time it names", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  const sent = live.send("rooms/1", { type: "message", content: "a" });
  const { key } = world.last.said[0];
  world.last.tell({ type: "error", key, data: { code: "busy", message: "…", retry_after: 700 } });
  await world.pass(699);
  assert.equal(world.last.said.length, 1);
  await world.pass(1);
  assert.equal(world.last.said[1].key, key);
  world.last.tell({ type: "message_sent", key });
  await sent;
  assert.equal(live.heard.some(({ type }) => type === "error"), false);
});

test("sends can be given up, by time and by signal, and end with close", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  const late = live.send("rooms/1", { type: "message" }, { timeout: 1000 });
  const control = new AbortController();
  const aborted = live.send("rooms/1", { type: "message" }, { signal: control.signal });
  const waiting = live.send("rooms/1", { type: "message" });
  const outcomes = Promise.allSettled([late, aborted, waiting]);
  control.abort();
  await world.pass(1000);
  live.close();
  const reasons = (await outcomes).map(({ reason }) => reason.code ?? reason.name);
  assert.deepEqual(reasons, ["timeout", 20, "closed"]);
  assert.equal(live.status.code, 1000);
  assert.equal(world.last.state, "left");
  assert.equal(world.timers.size, 0);
});

test("a closed client rejects, and a thousand waiting sends are enough", async () => {
  const live = await connect();
  const sends = Array.from({ length: 1001 }, () => live.send("rooms/1", { type: "message" }));
  await assert.rejects(sends[1000], { code: "queue_full" });
  const outcomes = Promise.allSettled(sends);
  live.close();
  await outcomes;
  await assert.rejects(live.send("rooms/1", { type: "message" }), { code: "closed" });
});

test("a WebSocket takes topics in place; all welcome messages of one arrive", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  live.subscribe("alerts");
  await settle();
  const { key, ...message } = world.last.said[0];
  assert.deepEqual(message, { type: "subscribe", topic: "alerts" });
  world.last.tell({ type: "initial", topic: "alerts", key });
  world.last.tell({ type: "history", topic: "alerts", key });
  assert.deepEqual(live.heard.map(({ type }) => type), ["connected", "initial", "history"]);
  live.unsubscribe("alerts");
  await settle();
  assert.deepEqual(world.last.said[1], { type: "unsubscribe", topic: "alerts" });
  world.last.tell({ type: "update", topic: "alerts", id: "e-9" });
  assert.equal(live.heard.length, 3);
  assert.equal(world.connections.length, 1);
});

test("other transports are reopened for a topic, which alone is fresh", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: welcomes });
  const live = await connect();
  world.last.tell(durable(4));
  live.subscribe("alerts");
  await settle();
  const { request } = world.last;
  assert.deepEqual(request.topics, ["rooms/1", "alerts"]);
  assert.deepEqual([request.fresh, request.since], [["alerts"], "e-4"]);
  await world.pass(500);
  assert.equal(world.live.length, 1);
  assert.equal(live.status.gaps, 0);
});

test("one topic the server does not have takes none of the others along", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: welcomes });
  const live = await connect();
  world.behaviour.sse = (connection) =>
    connection.end({ kind: "stop", code: 4404, error: { code: "topic_not_found", message: "no" } });
  live.subscribe("nowhere");
  await settle();
  assert.equal(live.status.state, "connected");
  assert.deepEqual(live.topics, ["rooms/1"]);
  const { type, topic, data } = live.heard.at(-1);
  assert.deepEqual([type, topic, data.code], ["error", "nowhere", "topic_not_found"]);
});

test("a WebSocket's refusal of a topic takes none of the others along either", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  live.subscribe("nowhere");
  await settle();
  const { key } = world.last.said[0];
  world.last.tell({ type: "error", key, data: { code: "topic_not_found" } });
  assert.deepEqual(live.topics, ["rooms/1"]);
  assert.equal(live.status.state, "connected");
});

test("without a topic there is no connection; the first one opens it, the last one closes it", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect({ topics: [] });
  assert.equal(world.connections.length, 0);
  live.subscribe("sensors");
  await settle();
  assert.equal(live.status.state, "connected");
  live.unsubscribe("sensors");
  await settle();
  assert.equal(live.status.state, "waiting");
  assert.equal(world.last.state, "left");
});

test("the round trip is measured, and the page hears no pong it did not ask for", async () => {
  world.behaviour.ws = welcomes;
  const live = await connect();
  const ping = world.last.sent.find(({ type }) => type === "ping");
  world.time += 12;
  world.last.tell({ type: "pong", key: ping.key });
  assert.equal(live.status.rtt, 12);
  assert.equal(live.heard.some(({ type }) => type === "pong"), false);
});

test("a listener that throws stops nobody else; one that is removed hears nothing", async () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error);
  world.behaviour.ws = welcomes;
  const live = await connect();
  const heard = [];
  live.on("message", () => {
    throw new Error("a page's mistake");
  });
  const stop = live.on("message", ({ data }) => heard.push(data));
  world.last.tell(durable(1));
  stop();
  world.last.tell(durable(2));
  delete globalThis.reportError;
  assert.deepEqual(heard, [1]);
  assert.equal(reported.length, 2);
});

test("bad options are refused where they are given", () => {
  const environment = world.environment();
  assert.throws(() => new LiveClient({ topics: ["no good"] }, environment), TypeError);
  assert.throws(() => new LiveClient({ transports: ["telex"] }, environment), TypeError);
  assert.throws(() => new LiveClient({ transports: [] }, environment), TypeError);
});
