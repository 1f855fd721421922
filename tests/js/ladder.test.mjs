// Which rung is tried, left, and tried again.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Ladder } from "../../static/js/envivo/ladder.js";
import { timingWith } from "../../static/js/envivo/limits.js";

const timing = timingWith({ probeFirst: 5000, probeMax: 300_000, earlyDeath: 5000, steady: 60_000 });
let ladder;

beforeEach(() => {
  ladder = new Ladder(["ws", "sse", "poll"], timing, () => 0);
});

function demoteTo(name, now = 0) {
  for (let next = ladder.next(); next !== name; next = ladder.next()) ladder.failed(next);
  ladder.opened(name, now);
}

test("it goes down rung by rung", () => {
  assert.equal(ladder.next(), "ws");
  ladder.failed("ws");
  assert.equal(ladder.next(), "sse");
  ladder.failed("sse");
  assert.equal(ladder.next(), "poll");
  ladder.failed("poll");
  assert.equal(ladder.next(), null);
});

test("a server that is down demotes nobody", () => {
  for (let sweep = 0; sweep < 5; sweep += 1) {
    for (const name of ["ws", "sse", "poll"]) ladder.failed(name);
    assert.equal(ladder.next(), null);
    ladder.exhausted();
  }
  assert.equal(ladder.next(), "ws");
  ladder.opened("ws", 0);
  assert.equal(ladder.nextProbe(), null);
  assert.equal(ladder.memory, null);
});

test("a rung is demoted once a lower one came through, and probed later", () => {
  demoteTo("sse", 1000);
  assert.deepEqual(ladder.nextProbe(), { name: "ws", at: 6000 });
  assert.deepEqual(ladder.memory, { transport: "sse", step: 1 });
});

test("the first probe comes after 5 to 10 s, the later ones up to 5 min apart", () => {
  demoteTo("sse");
  const waits = [];
  for (let now = 0, i = 0; i < 9; i += 1) {
    const { at } = ladder.nextProbe();
    waits.push(at - now);
    now = at;
    ladder.probeFailed("ws", now);
  }
  assert.deepEqual(waits.slice(0, 4), [5000, 10_000, 20_000, 40_000]);
  assert.equal(waits.at(-1), 300_000);
  const late = new Ladder(["ws", "poll"], timing, () => 0.999);
  late.failed("ws");
  late.opened("poll", 0);
  assert.ok(late.nextProbe().at < 10_000);
});

test("each better rung has its own probes", () => {
  demoteTo("poll");
  ladder.probeFailed("ws", 5000);
  assert.deepEqual(ladder.nextProbe(), { name: "sse", at: 5000 });
  ladder.opened("sse", 5200);
  assert.deepEqual(ladder.nextProbe(), { name: "ws", at: 15_000 });
});

test("after a loss the rung that worked is tried first, then lower ones, then better ones", () => {
  demoteTo("sse");
  const order = [];
  for (let name = ladder.next(); name; name = ladder.next()) {
    order.push(name);
    ladder.failed(name);
  }
  assert.deepEqual(order, ["sse", "poll", "ws"]);
});

test("three deaths in a row in the first seconds leave the rung", () => {
  ladder.opened("ws", 0);
  assert.equal(ladder.dropped("ws", 1000), false);
  assert.equal(ladder.dropped("ws", 1000), false);
  assert.equal(ladder.dropped("ws", 1000), true);
  assert.equal(ladder.next(), "sse");
});

test("a long life between them forgives early deaths", () => {
  ladder.dropped("ws", 1000);
  ladder.dropped("ws", 1000);
  ladder.dropped("ws", 6000);
  assert.equal(ladder.dropped("ws", 1000), false);
});

test("early deaths of a server that then stays away count for nothing", () => {
  ladder.dropped("ws", 1000);
  ladder.dropped("ws", 1000);
  ladder.exhausted();
  assert.equal(ladder.dropped("ws", 1000), false);
});

test("a rung back from a demotion that dies early again is left at once, for longer", () => {
  demoteTo("sse", 0);
  ladder.opened("ws", 5000);
  assert.equal(ladder.dropped("ws", 1000), true);
  ladder.opened("sse", 6000);
  assert.deepEqual(ladder.nextProbe(), { name: "ws", at: 16_000 });
});

test("a steady minute earns trust again", () => {
  demoteTo("sse", 0);
  ladder.opened("ws", 5000);
  assert.equal(ladder.dropped("ws", 60_000), false);
  assert.equal(ladder.dropped("ws", 1000), false);
  demoteTo("sse", 0);
  assert.equal(ladder.nextProbe().at, 5000);
});

test("a stall demotes, provided that a lower rung comes through", () => {
  ladder.opened("ws", 0);
  ladder.stalled("ws", 90_000);
  assert.equal(ladder.next(), "sse");
  ladder.opened("sse", 91_000);
  assert.deepEqual(ladder.nextProbe(), { name: "ws", at: 96_000 });
});

test("another network makes every probe due", () => {
  demoteTo("poll");
  ladder.hurry(100);
  assert.deepEqual(ladder.nextProbe(), { name: "ws", at: 100 });
});

test("the next page begins where this one ended, and probes", () => {
  ladder.recall({ transport: "poll", step: 2 }, 1000);
  assert.equal(ladder.next(), "poll");
  ladder.opened("poll", 1100);
  assert.equal(ladder.nextProbe().at, 11_000);
});

test("what is remembered of a rung not in use is ignored", () => {
  ladder.recall({ transport: "carrier-pigeon", step: 1 }, 0);
  assert.equal(ladder.next(), "ws");
});
