// The page of a lesson, without a browser: what is drawn of a run, its address, its words, its time.
import assert from "node:assert/strict";
import { test } from "node:test";

import { actsOf, ownChoice, readAddress, withAct, writeAddress } from "../../static/js/pages/lab/address.js";
import { Clock, slowStretches } from "../../static/js/pages/lab/clock.js";
import { scaleOf, shiftOf, thinned, ticks } from "../../static/js/pages/lab/layout.js";
import { apart, firstBreach, pictured, roadOf } from "../../static/js/pages/lab/trace.js";
import { newLines, pieces, shortName, wordsOf } from "../../static/js/pages/lab/words.js";

const LANES = ["till", "bank"];
const run = (...told) => told.map(([t, lane, what, more = {}], n) => ({ t, n, lane, do: what, ...more }));
const drawn = (...told) => pictured(run(...told), LANES);

test("a message that arrives is an arrow, one that is lost ends on its way, as far as others come in that time", () => {
  const { arrows } = drawn(
    [1, "till", "send", { msg: "p1" }],
    [1.4, "bank", "arrive", { msg: "p1", of: 0 }],
    [2, "till", "send", { msg: "p2" }],
    [2.1, "till-bank", "cut"],
    [2.1, "till-bank", "lose", { msg: "p2", of: 2, by: 3 }],
  );
  const [there, lost] = arrows;
  assert.deepEqual([there.lane, there.to, there.at, there.end, there.isLost], [0, 1, 1, 1.4, false]);
  assert.deepEqual([lost.lane, lost.to, lost.isLost, lost.numbers], [0, 1, true, [2, 4]]);
  assert.ok(Math.abs(lost.way - 0.25) < 0.01);
});

test("a ✓ that is lost ends between the lanes, too, and one that never left hardly leaves its lane", () => {
  const { arrows } = drawn(
    [1, "bank", "ack", { msg: "p1" }],
    [1, "till-bank", "lose", { msg: "p1", of: 0 }],
  );
  assert.deepEqual([arrows[0].kind, arrows[0].lane, arrows[0].to, arrows[0].way], ["ack", 1, 0, 0.14]);
});

test("a push to several lanes is an arrow to each", () => {
  const events = run([1, "b", "push", { msg: "m" }], [1.2, "a", "arrive", { of: 0 }], [1.3, "c", "arrive", { of: 0 }]);
  assert.deepEqual(pictured(events, ["a", "b", "c"]).arrows.map(({ lane, to }) => [lane, to]), [[1, 0], [1, 2]]);
});

test("what a lane commits again is twice, under another lane it is not", () => {
  const kinds = (events) => pictured(events, LANES).marks.map(({ kind, times }) => [kind, times]);
  const commit = (lane, msg = "p1") => [1, lane, "commit", { msg }];
  assert.deepEqual(kinds(run(commit("bank"), commit("bank"), commit("bank"))), [["commit", 1], ["twice", 2], ["twice", 3]]);
  assert.deepEqual(kinds(run(commit("bank"), commit("till"), commit("bank", "p2"))), [["commit", 1], ["commit", 1], ["commit", 1]]);
  assert.deepEqual(kinds(run([1, "bank", "commit"], [2, "bank", "commit"])).map(([kind]) => kind), ["commit", "commit"]);
});

test("troubles of a road last until they are over, fates of a node until it is back", () => {
  const { troubles, fates, faults, lasts } = drawn(
    [0, "bank", "boot"],
    [1, "till-bank", "dark"],
    [2, "bank", "crash"],
    [3, "till-bank", "light"],
    [4, "bank", "boot"],
    [5, "till-bank", "cut"],
    [6, "till", "pause"],
    [9, "bank", "known", { msg: "p1" }],
  );
  assert.deepEqual(troubles.map(({ kind, at, to, road }) => [kind, at, to, road]), [["dark", 1, 3, [0, 1]], ["cut", 5, null, [0, 1]]]);
  assert.deepEqual(fates.map(({ kind, lane, at, to, isCrash }) => [kind, lane, at, to, isCrash]), [["down", 1, 2, 4, true], ["paused", 0, 6, 9, false]]);
  assert.deepEqual([faults, lasts], [[1, 2, 5, 6], 9]);
});

test("a lease that is renewed is one bar, another number is another one; bands and states follow one another", () => {
  const { leases, bands, states } = drawn(
    [0, "till", "lease", { token: 1, until: 3 }],
    [1, "till", "rung", { rung: "ws" }],
    [2, "till", "lease", { token: 1, until: 5 }],
    [4, "till", "rung", { rung: "none" }],
    [6, "bank", "lease", { token: 2, until: 99 }],
    [7, "till", "state", { value: "leader" }],
    [8, "till", "state", { value: "" }],
  );
  assert.deepEqual(leases.map(({ lane, token, at, to }) => [lane, token, at, to]), [[0, 1, 0, 5], [1, 2, 6, 8]]);
  assert.deepEqual(bands.map(({ rung, at, to }) => [rung, at, to]), [["ws", 1, 4], ["none", 4, 8]]);
  assert.deepEqual(states.map(({ text, at, to }) => [text, at, to]), [["leader", 7, 8], ["", 8, 8]]);
});

test("what happens elsewhere than on a lane of the lesson is left out", () => {
  const { arrows, marks, troubles, moments } = drawn([1, "nobody", "send", { msg: "x" }], [2, "nobody", "commit"], [3, "nobody-bank", "cut"]);
  assert.deepEqual([arrows, marks, troubles, moments], [[], [], [], []]);
});

test("a road is found, whatever its lanes are called", () => {
  assert.deepEqual(roadOf("a-b", ["b", "a"]), [1, 0]);
  assert.deepEqual(roadOf("node-1-node-2", ["node-1", "node-2"]), [0, 1]);
  assert.equal(roadOf("a-x", ["a", "b"]), null);
});

test("the first counter-example is that of the earliest event", () => {
  const verdict = (rule, t) => ({ rule, breach: t === null ? null : { t } });
  const played = [
    { strategy: "once", lasts: 9, verdicts: [verdict("lost", 5), verdict("sum", null)] },
    { strategy: "retry", lasts: 9, verdicts: [verdict("twice", 3)] },
  ];
  assert.deepEqual(firstBreach({ played }), { strategy: "retry", rule: "twice", at: 3 });
  assert.equal(firstBreach({ played: [{ strategy: "keyed", lasts: 9, verdicts: [verdict("lost", null)] }] }), null);
});

test("moments that are nearly the same are one", () => assert.deepEqual(apart([2, 1, 1.005, 3]), [1, 2, 3]));

const LESSON = {
  seed: 125,
  strategies: [{ name: "once" }, { name: "retry" }],
  knobs: [{ name: "cuts", default: 5, from: 0, to: 8 }, { name: "delay", default: 0.3, from: 0.02, to: 0.6 }],
};

test("the lesson's own run has no address, and another one's leads back to it", () => {
  const own = ownChoice(LESSON);
  assert.equal(writeAddress(own, LESSON), "");
  assert.deepEqual(readAddress("", LESSON), own);
  const other = { seed: 0, strategies: ["retry"], acts: ["cut@4.2", "kill:bank@5"], knobs: { cuts: 0, delay: 0.3 } };
  const address = writeAddress(other, LESSON);
  assert.equal(address, "?seed=0&s=retry&x=cut@4.2,kill:bank@5&cuts=0");
  assert.deepEqual(readAddress(address, LESSON), other);
});

test("what else the address says stays, and what it cannot mean is as the lesson has it", () => {
  assert.equal(writeAddress({ ...ownChoice(LESSON), seed: 3 }, LESSON, "?transports=sse&seed=9"), "?transports=sse&seed=3");
  assert.equal(writeAddress(ownChoice(LESSON), LESSON, "?seed=9&user_id=1"), "?user_id=1");
  assert.deepEqual(readAddress("?seed=x&s=nobody&cuts=many&delay=", LESSON), ownChoice(LESSON));
});

test("an act is never before the moment that is seen, and acts are in the order of their times", () => {
  const own = ownChoice(LESSON);
  assert.deepEqual(withAct(own, "cut", 4.20001).acts, ["cut@4.21"]);
  assert.deepEqual(withAct(own, "cut", 4.2).acts, ["cut@4.2"]);
  assert.deepEqual(actsOf({ acts: ["cut@9", "kill:bank@4.2"] }), [{ do: "kill:bank", at: 4.2 }, { do: "cut", at: 9 }]);
});

test("numbers are written as the language writes them, lists are joined", () => {
  const texts = { none: "ninguno", said: "a los {s} s: {list}, ${money}", braces: "{{x}} {y}" };
  const say = wordsOf({ texts, language: "es" });
  assert.equal(say("said", { s: 2.1, list: ["4", 5], money: 12 }), "a los 2,1 s: 4, 5, $12");
  assert.equal(say("said", { s: 2, list: [], money: 1000.25 }), "a los 2 s: ninguno, $1000,3");
  assert.equal(say("braces", {}), "{x} {y}");
  assert.equal(say.maybe("nothing", "otherwise"), "otherwise");
  assert.throws(() => say("nothing"), /nothing/);
  assert.equal(wordsOf({ texts, language: "en" })("said", { s: 0.25, list: [1], money: 0 }), "a los 0.3 s: 1, $0");
});

test("code within a text, short names, and the lines in which two strategies differ", () => {
  assert.deepEqual(pieces("say `a` now"), [{ text: "say ", code: false }, { text: "a", code: true }, { text: " now", code: false }]);
  assert.deepEqual(["p10", "m1", "A1", "●2?", "hello"].map(shortName), ["10", "1", "A1", "●2?", "hello"]);
  assert.deepEqual(newLines('async def b():\n    """B."""\n    key = 1\n    go()  # again', "async def a():\n    go()"), [2]);
});

test("time goes slowly around a fault, and stops once at the first broken rule", () => {
  const clock = new Clock();
  clock.load({ lasts: 10, faults: [5], moments: [1, 2], stopAt: 5 });
  clock.play();
  clock.advance(4.7);
  assert.ok(Math.abs(clock.at - 4.7) < 1e-6);
  clock.advance(0.4); // a quarter of it
  assert.ok(Math.abs(clock.at - 4.8) < 1e-6);
  clock.advance(60);
  assert.deepEqual([clock.at, clock.isPlaying, clock.isHeld], [5, false, true]);
  clock.play();
  clock.advance(60);
  assert.deepEqual([clock.at, clock.isPlaying, clock.isHeld, clock.isOver], [10, false, false, true]);
  clock.play();
  assert.equal(clock.at, 0);
  clock.advance(60);
  assert.equal(clock.at, 10); // not again
});

test("who has seen what is beyond the broken rule is not stopped there", () => {
  const clock = new Clock();
  clock.load({ lasts: 10, faults: [], moments: [1, 2, 7], stopAt: 5 });
  clock.seek(6);
  clock.seek(1);
  clock.play();
  clock.advance(60);
  assert.equal(clock.at, 10);
});

test("steps go from moment to moment, to the ends and not beyond", () => {
  const clock = new Clock();
  clock.load({ lasts: 10, faults: [], moments: [1, 2, 7], stopAt: null });
  const steps = [1, 1, 1, 1, 1, -1, -1].map((direction) => (clock.step(direction), clock.at));
  assert.deepEqual(steps, [1, 2, 7, 10, 10, 7, 2]);
});

test("a run with one act more goes on where it was, and is stopped by what breaks after that", () => {
  const clock = new Clock();
  clock.load({ lasts: 10, faults: [], moments: [], stopAt: null });
  clock.play();
  clock.advance(4);
  clock.load({ lasts: 12, faults: [], moments: [], stopAt: 6 }, true);
  assert.deepEqual([clock.at, clock.isPlaying], [4, true]);
  clock.advance(60);
  assert.deepEqual([clock.at, clock.isHeld], [6, true]);
  clock.load({ lasts: 12, faults: [], moments: [], stopAt: 3 });
  assert.deepEqual([clock.at, clock.isHeld, clock.isPlaying], [0, false, false]);
});

test("slow stretches are merged, and where there are many faults most of the time goes on as it does", () => {
  assert.deepEqual(slowStretches([2, 2.5, 9.9], 10).map((ends) => ends.map((one) => Number(one.toFixed(3)))), [[1.7, 2.8], [9.6, 10]]);
  const slow = slowStretches(Array.from({ length: 20 }, (_, index) => index), 20).reduce((sum, [from, to]) => sum + to - from, 0);
  assert.ok(slow <= 20 * 0.4 + 1e-9);
});

test("labels keep apart: the heavier one stays, and says how many are behind it", () => {
  const label = (x, text, weight = 1, y = 0) => ({ x, y, text, weight });
  const shown = thinned([label(100, "4"), label(105, "5", 4), label(108, "6"), label(140, "7"), label(100, "8", 1, 40)]);
  assert.deepEqual(shown.map(({ text, more }) => [text, more]), [["8", 0], ["5", 2], ["7", 0]]);
  assert.ok(thinned([label(0, "−1.8 s")], 20)[0].x > 20);
});

test("a narrow picture shows a window that follows the present, a wide one shows everything", () => {
  const wide = scaleOf({ width: 1000, lasts: 11, names: LANES });
  assert.deepEqual([wide.span, shiftOf(wide, 11)], [11, 0]);
  assert.ok(wide.x(11) <= 1000);
  const narrow = scaleOf({ width: 330, lasts: 11, names: LANES });
  assert.ok(narrow.span < 7);
  assert.equal(shiftOf(narrow, 1), 0);
  assert.ok(narrow.x(8) - shiftOf(narrow, 8) < 330);
  assert.ok(narrow.x(11) - shiftOf(narrow, 11) <= 330);
  assert.deepEqual(ticks({ second: 30, lasts: 7 }), [0, 2, 4, 6]);
});
