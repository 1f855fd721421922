// The client as signals.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createUseLive, liveSignals } from "../../static/js/envivo/adapters/preact.js";
import { LiveClient } from "../../static/js/envivo/client.js";
import { FakeWorld, settle } from "./fakes.mjs";

const signal = (value) => ({ value });

test("status and the newest message of a type are signals", async () => {
  const world = new FakeWorld();
  world.behaviour.ws = (connection) => connection.welcome();
  const live = new LiveClient({ topics: ["sensors"] }, world.environment());
  const { status, latest } = liveSignals(live, signal);
  const reading = latest("sensor_update");
  assert.equal(reading.value, null);
  await settle();
  assert.equal(status.value.state, "connected");
  world.last.tell({ type: "sensor_update", topic: "sensors", data: { ph: 7 } });
  assert.equal(reading.value.data.ph, 7);
  assert.equal(latest("sensor_update"), reading);
});

test("the hook connects once and closes with its component", () => {
  const cleanups = [];
  const useLive = createUseLive({
    signal,
    useMemo: (make) => make(),
    useEffect: (effect) => cleanups.push(effect()),
  });
  const { live, status } = useLive({ url: "http://localhost:9", topics: ["sensors"] });
  assert.equal(status.value.state, "connecting");
  for (const cleanup of cleanups) cleanup();
  assert.equal(live.status.state, "closed");
});
