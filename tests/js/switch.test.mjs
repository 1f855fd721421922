// Another choice of rungs while a page lives: what is handed over, what is kept, what becomes of a rung that fails.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { LiveClient } from "../../static/js/envivo/client.js";
import { FakeWorld, settle } from "./fakes.mjs";

let world;
const welcomes = (connection) => connection.welcome();
const fails = (connection) => connection.end({});

beforeEach(() => {
  world = new FakeWorld();
  Object.assign(world.behaviour, { ws: welcomes, sse: welcomes, poll: welcomes });
});

async function connect(options = {}) {
  const live = new LiveClient({ topics: ["rooms/1"], ...options }, world.environment());
  await settle();
  return live;
}

test("a connection that is not allowed any more is handed over, and used until then", async () => {
  world.behaviour.sse = () => {};
  const live = await connect();
  live.use(["sse"]);
  await settle();
  assert.equal(live.status.state, "connected");
  assert.equal(live.status.transport, "ws");
  assert.deepEqual(world.live.map((each) => each.name), ["ws", "sse"]);
  world.last.welcome();
  await world.pass(499);
  assert.equal(live.status.transport, "ws");
  await world.pass(1);
  assert.equal(live.status.transport, "sse");
  assert.deepEqual(world.live.map((each) => each.name), ["sse"]);
});

test("a connection that is still allowed stays, and looks for the better rungs at once", async () => {
  const live = await connect({ transports: ["poll"] });
  live.use(["ws", "sse", "poll"]);
  await world.pass(501);
  assert.equal(live.status.transport, "ws");
  live.use(["ws"]);
  await world.pass(1);
  assert.equal(world.live.length, 1);
  assert.equal(live.status.transport, "ws");
});

test("where the only rung allowed does not come through, the old one is given up", async () => {
  world.behaviour.sse = fails;
  const live = await connect();
  live.use(["sse"]);
  await settle();
  assert.equal(live.status.state, "waiting");
  assert.equal(world.live.length, 0);
  world.behaviour.sse = welcomes;
  await world.pass(60_000);
  assert.equal(live.status.transport, "sse");
});

test("the old connection may break before the new one stands", async () => {
  world.behaviour.sse = () => {};
  const live = await connect();
  live.use(["sse", "poll"]);
  await settle();
  world.live[0].end({});
  await settle();
  assert.equal(live.status.state, "connecting");
  world.last.welcome();
  await settle();
  assert.equal(live.status.transport, "sse");
});

test("while nothing is reachable, another choice is tried at once", async () => {
  Object.assign(world.behaviour, { ws: fails, sse: fails });
  const live = await connect({ transports: ["ws", "sse"] });
  assert.equal(live.status.state, "waiting");
  live.use(["poll"]);
  await settle();
  assert.equal(live.status.transport, "poll");
});

test("no rung, or one that there is not, is an error that changes nothing", async () => {
  const live = await connect();
  assert.throws(() => live.use([]), TypeError);
  assert.throws(() => live.use(["pigeon"]), /pigeon/);
  assert.equal(live.status.transport, "ws");
  live.close();
  live.use(["sse"]);
  await settle();
  assert.equal(live.status.state, "closed");
});

const joined = (id) => ({ type: "user_joined", topic: "rooms/1", timestamp: `t${id}`, data: { user_id: id } });

async function handOver(options) {
  world.behaviour.sse = () => {};
  const live = await connect(options);
  const told = [];
  live.on("*", ({ type, topic, data }) => told.push([type, topic, data?.user_id].filter(Boolean).join(" ")));
  live.use(["sse"]);
  await settle();
  return { live, told, old: world.live[0], candidate: world.last };
}

test("a welcome older than what was told meanwhile is passed over, and what was told is not told again", async () => {
  const { live, told, old, candidate } = await handOver();
  candidate.welcome({ data: { active_users: [] } });
  old.tell(joined("2"));
  candidate.tell(joined("2"));
  candidate.tell(joined("3"));
  await world.pass(500);
  assert.equal(live.status.transport, "sse");
  assert.deepEqual(told, ["user_joined rooms/1 2", "user_joined rooms/1 3"]);
});

test("a welcome that holds what was told meanwhile comes", async () => {
  const { told, old, candidate } = await handOver();
  old.tell(joined("2"));
  candidate.welcome({ data: { active_users: [{ user_id: "2" }] } });
  await world.pass(500);
  assert.deepEqual(told, ["user_joined rooms/1 2", "connected rooms/1"]);
});

test("of several topics only the welcome is passed over that is older", async () => {
  const { told, old, candidate } = await handOver({ topics: ["rooms/1", "rooms/2"] });
  old.tell(joined("2"));
  candidate.welcome();
  candidate.tell(joined("2"));
  await world.pass(500);
  assert.deepEqual(told, ["user_joined rooms/1 2", "connected", "connected rooms/2"]);
});

test("a welcome is passed over where a stored event follows that was told meanwhile", async () => {
  const { live, told, old, candidate } = await handOver();
  const stored = (position) => ({ type: "message", topic: "rooms/1", id: `e-${position}` });
  old.tell(stored(1));
  candidate.welcome();
  for (const position of [1, 2]) candidate.tell(stored(position));
  await world.pass(500);
  assert.deepEqual(told, ["message rooms/1", "message rooms/1"]);
  assert.deepEqual([live.status.id, live.status.gaps, live.status.repeats], ["e-2", 0, 0]);
});
