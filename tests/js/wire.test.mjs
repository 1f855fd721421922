// The browser's client holds to the wire's kernel, and its ladder decides as the Python client's: by the vectors that
// are made from those.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fullJitter } from "../../static/js/envivo/backoff.js";
import { endingOfClose, endingOfAnswer, parseRetryAfter } from "../../static/js/envivo/codes.js";
import { Heartbeat } from "../../static/js/envivo/heartbeat.js";
import { Ladder } from "../../static/js/envivo/ladder.js";
import * as limits from "../../static/js/envivo/limits.js";
import { SERVER_TYPES, TOPIC_RULE, checkKey, checkTopic, parseCursor, plainCursor } from "../../static/js/envivo/messages.js";

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
  assert.equal(TOPIC_RULE, vectors.topic_name_rule);
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

test("sizes", () => {
  const { sizes } = vectors;
  assert.equal(limits.MAX_TOPICS, sizes.topics_per_connection);
  assert.equal(limits.MAX_TOPIC_LENGTH, sizes.topic_name_characters);
  assert.equal(limits.DEFAULT_HEARTBEAT, sizes.heartbeat * 1000);
  assert.equal(TIMING.pollWait, sizes.poll_wait * 1000);
  assert.equal(checkKey("k".repeat(sizes.key_characters)).length, sizes.key_characters);
  assert.throws(() => checkKey("k".repeat(sizes.key_characters + 1)), TypeError);
});

test("the ladder's constants", () => {
  const { transports, constants } = vectors.ladder;
  assert.deepEqual(transports, ["ws", "sse", "poll"]);
  const ms = (name) => constants[name] * 1000;
  assert.deepEqual(
    { ...TIMING, remember: 0, hiddenSpacing: 0, liveness: 0 },
    {
      open: { ws: ms("ws_open"), sse: ms("sse_open"), poll: ms("poll_open") },
      earlyDeath: ms("early_death"),
      earlyDeaths: constants.early_deaths,
      steady: ms("steady"),
      probeFirst: ms("probe_first"),
      probeMax: ms("probe_max"),
      overlap: ms("overlap"),
      remember: 0,
      backoffBase: ms("backoff_base"),
      backoffCap: ms("backoff_cap"),
      hiddenSpacing: 0,
      ping: ms("ping"),
      liveness: 0,
      pollWait: ms("poll_wait"),
      pollPause: ms("poll_pause"),
      request: ms("request"),
      repeat: ms("repeat"),
    },
  );
  assert.equal(limits.MAX_PENDING_SENDS, constants.outbox);
  assert.equal(limits.MAX_IN_FLIGHT, constants.in_flight);
});

test("back-off and silence", () => {
  const shape = { base: TIMING.backoffBase, cap: TIMING.backoffCap, random: () => 1 };
  const { longest_backoff, silence } = vectors.ladder;
  assert.deepEqual(longest_backoff.map((_, attempt) => fullJitter(attempt, shape)), longest_backoff.map((s) => s * 1000));
  for (const { heartbeat, allowed } of silence) {
    assert.equal(new Heartbeat(heartbeat * 1000, 0).deadline, allowed * 1000);
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
