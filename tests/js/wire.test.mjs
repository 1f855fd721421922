// The browser's client holds to the wire's kernel, and its ladder decides as the Python client's: by the vectors that
// are made from those.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fullJitter } from "../../static/js/envivo/backoff.js";
import { BACK_SOON, endingOfClose, endingOfAnswer, parseRetryAfter } from "../../static/js/envivo/endings.js";
import { HeartbeatDeadline } from "../../static/js/envivo/heartbeat.js";
import { Ladder } from "../../static/js/envivo/ladder.js";
import * as limits from "../../static/js/envivo/limits.js";
import { Subscription } from "../../static/js/envivo/subscription.js";
import { SERVER_TYPES, TOPIC_NAME_RULE, checkKey, checkTopic, parseCursor, plainCursor } from "../../static/js/envivo/messages.js";

const vectors = JSON.parse(readFileSync(new URL("../wire/vectors.json", import.meta.url), "utf8"));
const { TIMING } = limits;

test("cursors", () => {
  assert.ok(vectors.cursors.length > 30);
  for (const { text, cursor } of vectors.cursors) {
    const expected = cursor && { epoch: cursor.epoch, position: Number(cursor.position) };
    assert.deepEqual(parseCursor(text), expected, JSON.stringify(text));
    if (cursor) assert.equal(plainCursor(text), cursor.plain);
  }
});

test("names of topics", () => {
  assert.ok(vectors.topics.some(({ valid }) => valid) && vectors.topics.some(({ valid }) => !valid));
  for (const { name, valid } of vectors.topics) {
    const check = () => checkTopic(name);
    if (valid) assert.equal(check(), name);
    else assert.throws(check, TypeError, JSON.stringify(name));
  }
  assert.equal(TOPIC_NAME_RULE, vectors.topic_name_rule);
});

test("close codes", () => {
  for (const [code, meaning] of Object.entries(vectors.close_codes)) {
    assert.equal(endingOfClose(Number(code)).kind, meaning, code);
  }
});

test("statuses, of our server and of others", async () => {
  const ours = JSON.stringify({ success: false, error: { code: "why", message: "because" } });
  for (const [text, means] of Object.entries(vectors.statuses)) {
    const status = Number(text);
    const answer = (body) => new Response(status === 204 ? null : body, { status });
    assert.equal((await endingOfAnswer(answer("<html>"), 0)).kind, means.theirs, `their ${status}`);
    if (status === 204) continue;
    const end = await endingOfAnswer(answer(ours), 0);
    assert.equal(end.kind, means.ours, `our ${status}`);
    if (means.ours === "stop") assert.equal(end.code, means.close_code);
  }
});

test("Retry-After", () => {
  const { now, headers } = vectors.retry_after;
  for (const { header, seconds } of headers) {
    assert.equal(parseRetryAfter(header, now * 1000), seconds === null ? null : seconds * 1000, header);
  }
  assert.equal(parseRetryAfter(null, 0), null);
});

test("types of control messages", () => {
  assert.deepEqual([...SERVER_TYPES].sort(), Object.keys(vectors.control.server).sort());
});

test("a key's length", () => {
  const { key_characters } = vectors.sizes;
  assert.equal(checkKey("k".repeat(key_characters)).length, key_characters);
  assert.throws(() => checkKey("k".repeat(key_characters + 1)), TypeError);
});

test("a constant of both clients has one name and one value; those of one alone are told here", () => {
  const { transports, constants } = vectors.ladder;
  assert.deepEqual(transports, ["ws", "sse", "poll"]);
  const theirs = new Map(Object.entries(constants.numbers));
  for (const [name, value] of Object.entries(constants.seconds)) theirs.set(name, value * 1000);
  const { open, ...intervals } = TIMING;
  const ours = new Map(Object.entries(open).map(([transport, value]) => [`${transport}_open`, value]));
  for (const [name, value] of Object.entries(intervals)) {
    ours.set(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value);
  }
  for (const [name, value] of Object.entries({ ...limits, BACK_SOON })) {
    if (typeof value === "number") ours.set(name.toLowerCase(), value);
  }
  const alone = (some, others) => [...some.keys()].filter((name) => !others.has(name)).sort();
  assert.deepEqual(alone(ours, theirs), [
    "first_measure", "hidden_spacing", "key_prefix_bytes", "late_timer", "liveness", "measure_growth", "remember",
  ]);
  assert.deepEqual(alone(theirs, ours), [
    "connect_timeout", "goodbye_timeout", "inbox", "inbox_while_sending", "json_depth", "key_bytes",
    "max_failed_requests", "max_message", "max_pings", "message_bytes", "patience_at_close", "repeated_after",
    "type_characters",
  ]);
  for (const [name, value] of ours) assert.equal(theirs.get(name) ?? value, value, name);
});

test("back-off and silence", () => {
  const shape = { base: TIMING.backoffBase, cap: TIMING.backoffCap, random: () => 1 };
  const { longest_backoff, silence } = vectors.ladder;
  assert.deepEqual(longest_backoff.map((_, attempt) => fullJitter(attempt, shape)), longest_backoff.map((s) => s * 1000));
  for (const { heartbeat, allowed } of silence) {
    assert.equal(new HeartbeatDeadline(heartbeat * 1000, 0).deadline, allowed * 1000);
  }
});

const seconds = (number) => number * 1000;
const told = {
  next: (ladder) => ladder.next(),
  failed: (ladder, name) => ladder.failed(name),
  exhausted: (ladder) => ladder.exhausted(),
  opened: (ladder, name, now) => ladder.opened(name, seconds(now)),
  dropped: (ladder, name, lived) => ladder.dropped(name, seconds(lived)),
  stalled: (ladder, name, lived) => ladder.stalled(name, seconds(lived)),
  next_probe: (ladder) => ladder.nextProbe(),
  probe_failed: (ladder, name, now) => ladder.probeFailed(name, seconds(now)),
};

test("the ladder decides as the other one", () => {
  const { runs, transports } = vectors.ladder;
  assert.ok(runs.length >= 10);
  for (const { name, steps, decisions } of runs) {
    const ladder = new Ladder(transports, TIMING, () => 0.5);
    steps.forEach(([what, ...details], index) => {
      const decided = told[what](ladder, ...details) ?? null;
      const expected = decisions[index];
      const where = `${name}, step ${index}: ${what} ${details}`;
      if (typeof expected !== "object" || expected === null) assert.deepEqual(decided, expected, where);
      else {
        assert.equal(decided.name, expected.name, where);
        assert.ok(Math.abs(decided.at - seconds(expected.at)) < 0.01, where);
      }
    });
  }
});

test("a hand-over tells its user the same as the other one", () => {
  assert.ok(vectors.handovers.length >= 10);
  for (const { name, topics, before, meanwhile, held, after, told, cursor } of vectors.handovers) {
    const subscription = new Subscription(topics, null);
    const open = (brought) => {
      const intake = subscription.intake(subscription.request("ws").since);
      subscription.takeOver(intake, topics, brought);
      return intake;
    };
    const first = open([]);
    for (const message of before) subscription.accept(first, message);
    const candidate = subscription.intake(subscription.request("ws").since);
    subscription.beginOverlap();
    for (const message of meanwhile) subscription.accept(first, message);
    subscription.takeOver(candidate, topics, held);
    const news = [...held, ...after].filter((message) => subscription.accept(candidate, message));
    assert.deepEqual(news.map(({ n }) => n), told, name);
    assert.equal(subscription.cursor, cursor, name);
  }
});
