// Sends that wait for their acknowledgement.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox, SendError } from "../../static/js/envivo/outbox.js";

function put(outbox, key, content = "") {
  return new Promise((resolve, reject) => {
    outbox.add({ key, topic: "t", message: { type: "message", key, content }, resolve, reject });
  });
}

const keysOf = (sends) => sends.map(({ key }) => key);

test("everything unacknowledged goes out again, in order", async () => {
  const outbox = new Outbox(10);
  const first = put(outbox, "a");
  put(outbox, "b");
  assert.deepEqual(keysOf(outbox.take(10)), ["a", "b"]);
  put(outbox, "c");
  outbox.settle({ type: "message_sent", key: "a" });
  assert.equal((await first).type, "message_sent");
  assert.deepEqual(keysOf(outbox.take(10)), ["c"]);
  outbox.rewind();
  assert.deepEqual(keysOf(outbox.take(10)), ["b", "c"]);
});

test("no more than the window is on its way", () => {
  const outbox = new Outbox(10);
  for (const key of ["a", "b", "c"]) put(outbox, key);
  assert.deepEqual(keysOf(outbox.take(1)), ["a"]);
  assert.deepEqual(keysOf(outbox.take(1)), []);
  outbox.putBack("a");
  assert.deepEqual(keysOf(outbox.take(1)), ["a"]);
});

test("an error from the server rejects with its code", async () => {
  const outbox = new Outbox(10);
  const sent = put(outbox, "a");
  outbox.settle({ type: "error", key: "a", data: { code: "invalid_content", message: "too long" } });
  await assert.rejects(sent, (error) => error instanceof SendError && error.code === "invalid_content");
});

test("beyond the limit, and twice under one key, nothing is taken", async () => {
  const outbox = new Outbox(2);
  put(outbox, "a");
  await assert.rejects(put(outbox, "a"), { code: "duplicate_key" });
  put(outbox, "b");
  await assert.rejects(put(outbox, "c"), { code: "queue_full" });
});

test("what was too big is not sent again; the rest is", async () => {
  const outbox = new Outbox(10);
  put(outbox, "small");
  const big = put(outbox, "big", "x".repeat(1000));
  outbox.take(10);
  outbox.rejectLargest();
  await assert.rejects(big, { code: "too_big" });
  outbox.rewind();
  assert.deepEqual(keysOf(outbox.take(10)), ["small"]);
});
