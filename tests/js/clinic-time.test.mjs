// The arithmetic of the clinic's calendar: days, weeks, and the lanes of what overlaps.
import assert from "node:assert/strict";
import { test } from "node:test";

import { addDays, dayIn, dayOf, endMinute, hourAt, hoursOf, lanes, mondayOf, timeAt } from "../../static/js/pages/clinic/time.js";

const visit = (from, to, day = "2026-11-25") => ({ starts_at: timeAt(day, from), ends_at: timeAt(day, to) });
const placed = (...visits) => lanes(visits).map(({ lane, of }) => [lane, of]);

test("a week begins on Monday, over the ends of months and years", () => {
  assert.equal(mondayOf("2026-11-22"), "2026-11-16");
  assert.equal(mondayOf("2026-11-23"), "2026-11-23");
  assert.equal(mondayOf("2027-01-01"), "2026-12-28");
  assert.equal(addDays("2026-12-31", 1), "2027-01-01");
});

test("a day and an hour make a time and come back from it", () => {
  assert.equal(dayOf(timeAt("2026-02-28", "23:55")), "2026-02-28");
  assert.equal(timeAt("", "09:00"), null);
  assert.equal(timeAt("2026-02-28", ""), null);
  assert.equal(hourAt(65), "01:05");
});

test("only a day that exists is one", () => {
  assert.equal(dayIn("2026-02-28", "x"), "2026-02-28");
  for (const wrong of ["2026-02-30", "2026-2-3", "soon", "", null]) assert.equal(dayIn(wrong, "x"), "x");
});

test("what does not overlap has the whole width", () => {
  assert.deepEqual(placed(visit("09:00", "10:00"), visit("10:00", "10:30"), visit("12:00", "13:00")), [[0, 1], [0, 1], [0, 1]]);
});

test("what overlaps shares the width, and a lane that is free again is used again", () => {
  const long = visit("09:00", "12:00");
  assert.deepEqual(placed(visit("09:30", "10:00"), long, visit("10:00", "11:00"), visit("12:00", "13:00")), [[0, 2], [1, 2], [1, 2], [0, 1]]);
});

test("three at once have three lanes", () => {
  const one = visit("09:00", "10:00");
  assert.deepEqual(placed(one, { ...one }, { ...one }), [[0, 3], [1, 3], [2, 3]]);
});

test("the hours shown hold every reservation and the opening hours", () => {
  assert.deepEqual(hoursOf([]), { from: 8, to: 19 });
  assert.deepEqual(hoursOf([visit("06:30", "07:00"), visit("20:00", "21:15")]), { from: 6, to: 22 });
});

test("what goes on after midnight ends there in the calendar", () => {
  assert.equal(endMinute({ starts_at: timeAt("2026-11-25", "23:30"), ends_at: timeAt("2026-11-26", "00:30") }), 1440);
});
