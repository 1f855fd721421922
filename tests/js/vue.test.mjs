// The composables of the older monitor, on a clock that is turned by hand.
import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveClient } from "../../static/js/envivo/client.js";
import { FakeWorld, settle } from "./fakes.mjs";
import "./vendored-vue.mjs";

const { createRenderer, h } = await import("vue");
const { parseUrl, useAlertsWebSocket, useWebSocket } = await import("../../static/js/envivo/adapters/vue.js");

const nothing = () => null;
const { createApp } = createRenderer({
  insert: nothing, remove: nothing, createElement: () => ({}), createText: () => ({}), createComment: () => ({}),
  setText: nothing, setElementText: nothing, parentNode: nothing, nextSibling: nothing, patchProp: nothing,
});

/** A mounted component that uses `composable`, on a world of its own. */
function mounted(composable) {
  const world = new FakeWorld();
  const used = {};
  const connectWith = (options) => new LiveClient(options, world.environment());
  const app = createApp({
    setup() {
      Object.assign(used, composable(connectWith));
      return () => h("p", String(used.isConnected.value));
    },
  });
  app.mount({});
  return { world, used, leave: () => app.unmount() };
}

const refuse = (connection) => connection.end({ seen: "closed with 1006" });
const welcome = (connection) => connection.welcome();
const everyRung = (behaviour) => ({ ws: behaviour, sse: behaviour, poll: behaviour });

test("it connects when mounted, tells every message, and leaves when unmounted", async () => {
  const told = [];
  const errors = [];
  const options = { url: "ws://localhost:8000/ws/alerts", onMessage: (message) => told.push(message.type), onError: (e) => errors.push(e) };
  const { world, used, leave } = mounted((connect) => useWebSocket(options, connect));
  world.behaviour = everyRung(welcome);
  assert.equal(used.isConnected.value, false);
  await settle();
  assert.equal(used.isConnected.value, true);
  assert.deepEqual(world.last.request.topics, ["alerts"]);
  world.last.tell({ type: "update", topic: "alerts", data: { total: 1 } });
  assert.deepEqual(told, ["connected", "update"]);
  leave();
  assert.equal(used.isConnected.value, false);
  assert.equal(world.last.state, "left");
  await world.pass(60_000);
  assert.equal(world.connections.length, 1);
  assert.deepEqual(errors, []);
});

test("the pauses are 3, 6, 9, 12 and 15 s, then 15, and after ten it gives up", async () => {
  const errors = [];
  const options = { url: "/ws/sensors", onError: (error) => errors.push(error.message) };
  globalThis.location = { href: "http://localhost:8000/telemetry/vue" };
  const { world, used } = mounted((connect) => useWebSocket(options, connect));
  world.behaviour = everyRung(refuse);
  await settle();
  const pauses = [];
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    assert.equal(used.reconnectAttempts.value, attempt);
    const tried = world.connections.length;
    const before = world.time;
    while (world.connections.length === tried) await world.pass(500);
    pauses.push((world.time - before) / 1000);
  }
  assert.deepEqual(pauses, [3, 6, 9, 12, 15, 15, 15, 15, 15, 15]);
  await settle();
  const tried = world.connections.length;
  await world.pass(120_000);
  assert.equal(world.connections.length, tried);
  assert.equal(errors.length, 11);
  assert.equal(used.isConnected.value, false);
});

test("a connection that comes through sets the count back", async () => {
  const { world, used } = mounted((connect) => useWebSocket({ url: "/ws/sensors", reconnectInterval: 1000 }, connect));
  world.behaviour = everyRung(refuse);
  await settle();
  await world.pass(1000);
  assert.equal(used.reconnectAttempts.value, 2);
  world.behaviour = everyRung(welcome);
  await world.pass(2000);
  assert.equal(used.isConnected.value, true);
  assert.equal(used.reconnectAttempts.value, 0);
  world.last.end({});
  assert.equal(used.reconnectAttempts.value, 1);
  const tried = world.connections.length;
  await world.pass(900);
  assert.equal(world.connections.length, tried);
  await world.pass(200);
  assert.equal(used.isConnected.value, true);
});

test("a refusal for good is told and nothing is tried again", async () => {
  const errors = [];
  const { world, used } = mounted((connect) => useWebSocket({ url: "/ws/none", onError: (e) => errors.push(e.message) }, connect));
  const error = { code: "topic_not_found", message: "there is no topic none" };
  world.behaviour = everyRung((connection) => connection.end({ kind: "stop", code: 4404, seen: "closed with 4404", error }));
  await settle();
  await world.pass(120_000);
  assert.equal(world.connections.length, 1);
  assert.equal(used.isConnected.value, false);
  assert.deepEqual(errors, ["closed with 4404: there is no topic none"]);
});

test("send takes objects and JSON, ping is answered, and a send that failed is told", async () => {
  const errors = [];
  const { world, used } = mounted((connect) => useWebSocket({ url: "/ws/alerts", onError: (e) => errors.push(e.code) }, connect));
  world.behaviour = everyRung(welcome);
  const early = used.send({ action: "refresh" });
  await settle();
  const [refresh] = world.last.said;
  assert.equal(refresh.action, "refresh");
  world.last.reply({ type: "refresh", topic: "alerts", key: refresh.key, data: { total: 0 } });
  assert.equal((await early).data.total, 0);
  const pinged = used.ping();
  const sent = used.send('{"type": "nonsense"}');
  await settle();
  const [, ping, nonsense] = world.last.said;
  assert.equal(ping.action, "ping");
  world.last.reply({ type: "pong", key: ping.key });
  assert.equal((await pinged).type, "pong");
  world.last.reply({ type: "error", key: nonsense.key, data: { code: "unknown_type", message: "no" } });
  await assert.rejects(sent, { code: "unknown_type" });
  assert.deepEqual(errors, ["unknown_type"]);
  await assert.rejects(used.send("no JSON"), SyntaxError);
});

test("the alerts' counts come with every message that carries them", async () => {
  const counts = [];
  const { world, used } = mounted((connect) => useAlertsWebSocket((data, message) => counts.push([message.type, data.total]), connect));
  world.behaviour = everyRung((connection) => connection.welcome({ type: "initial", data: { total: 2 } }));
  await settle();
  world.last.tell({ type: "update", topic: "alerts", id: "e-1", data: { total: 3 } });
  world.last.tell({ type: "dismissed", topic: "alerts", id: "e-2", alert_id: "alerta_1", data: { total: 2 } });
  world.last.tell({ type: "heartbeat", id: "e-2" });
  assert.deepEqual(counts, [["initial", 2], ["update", 3], ["dismissed", 2]]);
  world.last.tell({ type: "reset", id: "f-9", data: { reason: "unknown_log" } });
  await settle();
  assert.equal(world.last.said.at(-1).action, "refresh");
  assert.deepEqual(Object.keys(used), ["isConnected", "reconnectAttempts"]);
});

test("the address of an older client says where and what", () => {
  const at = (address) => parseUrl(address);
  assert.deepEqual(at("ws://host:9/ws/alerts"), { url: "http://host:9/", topics: ["alerts"], params: {} });
  assert.deepEqual(at("wss://host/live/ws/rooms/1?user_id=1&username=Juan"), {
    url: "https://host/live/", topics: ["rooms/1"], params: { user_id: "1", username: "Juan" },
  });
  assert.deepEqual(at("ws://host/ws/7?since=e-4").topics, ["rooms/7"]);
  assert.equal(at("ws://host/ws/7?since=e-4").since, "e-4");
  assert.deepEqual(at("ws://host/ws?topic=alerts&topic=sensors").topics, ["alerts", "sensors"]);
  assert.throws(() => at("ws://host/chat"), TypeError);
});
