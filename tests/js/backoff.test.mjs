// Back-off and the plan of a wait.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fullJitter, planRetry, retryTime } from "../../static/js/envivo/backoff.js";

const shape = { base: 500, cap: 30_000 };

test("full jitter is drawn between nothing and a bound that doubles", () => {
  assert.equal(fullJitter(0, { ...shape, random: () => 0 }), 0);
  const bounds = [0, 1, 2, 3].map((attempt) => fullJitter(attempt, { ...shape, random: () => 1 }));
  assert.deepEqual(bounds, [500, 1000, 2000, 4000]);
});

test("full jitter never exceeds its cap, however long it goes on", () => {
  for (const attempt of [6, 7, 50, 5000]) {
    assert.equal(fullJitter(attempt, { ...shape, random: () => 1 }), 30_000);
  }
});

test("the server's time wins over the back-off and is not jittered again", () => {
  const facts = { now: 1000, delay: 200, lastTry: 900, hiddenSpacing: 30_000 };
  assert.equal(planRetry({ ...facts, retryAfter: 5000 }).due, 6000);
  assert.equal(planRetry({ ...facts, retryAfter: null }).due, 1200);
  assert.equal(planRetry({ ...facts, retryAfter: 0 }).due, 1000);
});

test("a hidden page keeps its distance to the previous try", () => {
  const plan = planRetry({ now: 1000, delay: 200, retryAfter: null, lastTry: 900, hiddenSpacing: 30_000 });
  assert.equal(retryTime(plan, false), 1200);
  assert.equal(retryTime(plan, true), 30_900);
});

test("a hidden page whose last try is long ago comes back like any other", () => {
  const facts = { now: 900_000, delay: 200, retryAfter: null, lastTry: 100, hiddenSpacing: 30_000 };
  assert.equal(retryTime(planRetry(facts), true), 900_200);
});
