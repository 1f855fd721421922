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
