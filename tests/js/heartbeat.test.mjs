// Deadlines of a silent connection.
import assert from "node:assert/strict";
import { test } from "node:test";

import { HeartbeatDeadline } from "../../static/js/envivo/heartbeat.js";

test("two missed heartbeats, with some slack, are a stall", () => {
  const heartbeat = new HeartbeatDeadline(1000, 0);
  assert.equal(heartbeat.check(2000), "alive");
  assert.equal(heartbeat.deadline, 2250);
  assert.equal(heartbeat.check(2250), "stalled");
});

test("any message pushes the deadline", () => {
  const heartbeat = new HeartbeatDeadline(1000, 0);
  heartbeat.seen(2000);
  assert.equal(heartbeat.check(4000), "alive");
  assert.equal(heartbeat.check(4250), "stalled");
});

test("a timer that comes far too late means that we slept, not that the server did", () => {
  const heartbeat = new HeartbeatDeadline(1000, 0);
  assert.equal(heartbeat.check(3_600_000), "slept");
});

test("an excuse moves the deadline but is no sign of life", () => {
  const heartbeat = new HeartbeatDeadline(1000, 0);
  heartbeat.excuse(3_600_000);
  assert.equal(heartbeat.check(3_601_000), "alive");
  assert.equal(heartbeat.heardSince(3_600_000), false);
  heartbeat.seen(3_601_500);
  assert.equal(heartbeat.heardSince(3_600_000), true);
});
