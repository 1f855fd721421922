// The books: cursor, repeats, gaps, topics that come and go.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Subscription } from "../../static/js/envivo/subscription.js";

const welcome = (id, topic) => ({ type: "connected", connection_id: "c", id, topic });
const durable = (position, topic = "rooms/1") => ({ type: "message", topic, id: `e-${position}` });

function opened(subscription) {
  const { topics, since } = subscription.request("ws");
  const intake = subscription.intake(since);
  subscription.takeOver(intake, topics);
  return intake;
}

function feed(subscription, intake, messages) {
  return messages.map((message) => subscription.accept(intake, message));
}

test("durable messages move the cursor", () => {
  const subscription = new Subscription(["rooms/1"], null);
  const intake = opened(subscription);
  feed(subscription, intake, [welcome("e-5", "rooms/1"), durable(6), durable(9)]);
  assert.equal(subscription.cursor, "e-9");
  assert.deepEqual([subscription.gaps, subscription.repeats], [0, 0]);
});

test("heartbeats move it too, signals do not", () => {
  const subscription = new Subscription(["live/x"], null);
  const intake = opened(subscription);
  feed(subscription, intake, [
    welcome("e-5", "live/x"),
    { type: "typing", topic: "live/x" },
    { type: "heartbeat", id: "e-8" },
  ]);
  assert.equal(subscription.cursor, "e-8");
});

test("after a reconnect only what is new is delivered, and the overlap is no repeat", () => {
  const subscription = new Subscription(["rooms/1"], null);
  feed(subscription, opened(subscription), [welcome("e-0", "rooms/1"), durable(1), durable(2)]);
  const candidate = subscription.intake(subscription.cursor);
  feed(subscription, opened(subscription), [durable(3)]);
  subscription.takeOver(candidate, ["rooms/1"]);
  const delivered = feed(subscription, candidate, [welcome("e-2", "rooms/1"), durable(3), durable(4)]);
  assert.deepEqual(delivered, [true, false, true]);
  assert.deepEqual([subscription.gaps, subscription.repeats], [0, 0]);
  assert.equal(subscription.cursor, "e-4");
});

test("over a restart the overlap of two connections is delivered once, and the cursor does not go back", () => {
  const after = (position) => ({ type: "message", topic: "rooms/1", id: `f-${position}` });
  const subscription = new Subscription(["rooms/1"], "e-1");
  const candidate = subscription.intake("e-1");
  feed(subscription, opened(subscription), [welcome("e-1", "rooms/1"), durable(2), durable(3), after(4), after(5)]);
  subscription.takeOver(candidate, ["rooms/1"]);
  const again = [welcome("e-1", "rooms/1"), durable(2), durable(3), after(4), after(5), after(6)];
  assert.deepEqual(feed(subscription, candidate, again), [true, false, false, false, false, true]);
  assert.equal(subscription.cursor, "f-6");
  assert.deepEqual([subscription.gaps, subscription.repeats], [0, 0]);
});

test("what comes twice unasked is discarded and counted", () => {
  const subscription = new Subscription(["rooms/1"], null);
  const intake = opened(subscription);
  const delivered = feed(subscription, intake, [welcome("e-0", "rooms/1"), durable(1), durable(2), durable(2), durable(1)]);
  assert.deepEqual(delivered, [true, true, true, false, false]);
  assert.equal(subscription.repeats, 2);
});

test("topics have their own positions", () => {
  const subscription = new Subscription(["a", "b"], null);
  const intake = opened(subscription);
  const delivered = feed(subscription, intake, [
    welcome("e-5"),
    { type: "connected", topic: "a" },
    { type: "initial", topic: "b", id: "e-5" },
    durable(7, "a"),
    durable(6, "b"),
  ]);
  assert.deepEqual(delivered, [true, true, true, true, true]);
  assert.equal(subscription.cursor, "e-7");
});

test("a reset is a gap noticed once, and the cursor obeys", () => {
  const subscription = new Subscription(["rooms/1"], "old-99");
  const intake = opened(subscription);
  feed(subscription, intake, [welcome("e-3", "rooms/1"), { type: "reset", id: "e-3", data: {} }, durable(4)]);
  assert.equal(subscription.gaps, 1);
  assert.equal(subscription.cursor, "e-4");
});

test("a cursor that goes back with a reset is taken all the same", () => {
  const subscription = new Subscription(["rooms/1"], "e-50");
  const intake = opened(subscription);
  feed(subscription, intake, [welcome("e-50", "rooms/1"), { type: "reset", id: "e-10" }, durable(11)]);
  assert.equal(subscription.cursor, "e-11");
  assert.equal(subscription.gaps, 1);
});

test("a welcome further on than asked, without a reset, is a gap", () => {
  const subscription = new Subscription(["rooms/1"], "e-10");
  feed(subscription, opened(subscription), [welcome("e-12", "rooms/1"), durable(13)]);
  assert.equal(subscription.gaps, 1);
});

test("since 0 is no gap, wherever the log begins", () => {
  const subscription = new Subscription(["rooms/1"], "0");
  assert.equal(subscription.request("ws").since, "0");
  feed(subscription, opened(subscription), [welcome("e-7", "rooms/1"), durable(8)]);
  assert.equal(subscription.gaps, 0);
  assert.equal(subscription.cursor, "e-8");
});

test("a topic added later is fresh until its welcome", () => {
  const subscription = new Subscription(["a"], null);
  const intake = opened(subscription);
  feed(subscription, intake, [welcome("e-5", "a")]);
  subscription.add("b");
  assert.deepEqual(subscription.request("ws"), { topics: ["a", "b"], fresh: ["b"], since: "e-5" });
  feed(subscription, intake, [{ type: "connected", topic: "b" }]);
  assert.deepEqual(subscription.request("ws").fresh, []);
});

test("without a topic that the cursor is of, nothing is resumed", () => {
  const subscription = new Subscription(["a"], null);
  feed(subscription, opened(subscription), [welcome("e-5", "a")]);
  subscription.add("b");
  subscription.remove("a");
  assert.deepEqual(subscription.request("ws"), { topics: ["b"], fresh: [], since: null });
});

test("nothing of a topic that was left is delivered", () => {
  const subscription = new Subscription(["a", "b"], null);
  const intake = opened(subscription);
  feed(subscription, intake, [welcome("e-5")]);
  subscription.remove("b");
  assert.equal(subscription.accept(intake, durable(6, "b")), false);
  assert.equal(subscription.accept(intake, { type: "unsubscribed", topic: "b" }), true);
  assert.equal(subscription.repeats, 0);
});

test("what was refused is given up, if it was new", () => {
  const subscription = new Subscription(["a"], null);
  assert.deepEqual(subscription.giveUpFresh(), []);
  feed(subscription, opened(subscription), [welcome("e-5", "a")]);
  subscription.add("nowhere");
  assert.deepEqual(subscription.giveUpFresh(), ["nowhere"]);
  assert.deepEqual(subscription.topics, ["a"]);
});

test("dropped signals are summed", () => {
  const subscription = new Subscription(["live/x"], null);
  const intake = opened(subscription);
  feed(subscription, intake, [3, 4].map((dropped) => ({ type: "gap", topic: "live/x", data: { dropped } })));
  assert.equal(subscription.dropped, 7);
  assert.equal(subscription.gaps, 0);
});

test("a connection has at most a hundred topics", () => {
  const subscription = new Subscription([], null);
  for (let i = 0; i < 100; i += 1) subscription.add(`t/${i}`);
  assert.throws(() => subscription.add("t/100"), RangeError);
});

test("what an earlier start of the server wrote is overlap once a later one was heard", () => {
  const at = (id) => ({ type: "message", topic: "rooms/1", id });
  const subscription = new Subscription(["rooms/1"], "a-48");
  const first = opened(subscription);
  const heard = feed(subscription, first, [welcome("a-48", "rooms/1"), at("a-49"), at("a-50"), at("b-51")]);
  assert.deepEqual(heard, [true, true, true, true]);
  const candidate = subscription.intake("a-49");
  subscription.takeOver(candidate, ["rooms/1"]);
  const again = feed(subscription, candidate, [welcome("a-49", "rooms/1"), at("a-50"), at("b-51"), at("b-52")]);
  assert.deepEqual(again, [true, false, false, true]);
  assert.deepEqual([subscription.cursor, subscription.gaps, subscription.repeats], ["b-52", 0, 0]);
  feed(subscription, candidate, [{ type: "reset", id: "a-3", data: {} }, at("a-4")]);
  assert.equal(subscription.cursor, "a-4");
});
