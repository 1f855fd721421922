// Where things lie in the space-time picture: the scale of time, the lines of the lanes, labels that keep apart. Pure.

const LETTER = 6.9; // px, of a label
const APART = 3; // px between two labels
const TIGHT = { narrow: 46, wide: 30 }; // px of a second, at least: what is nearer cannot be told apart
const EDGE = 14;
const TOP = 24;
const NARROW = 560;
const GAPS = [0, 0, 66, 54, 46, 42]; // px between lanes, by their number

/** Return the scale of a picture `width` px wide: px of a second, the seconds that are seen, where the first one lies. */
export function scaleOf({ width, lasts, names }) {
  const isNarrow = width < NARROW;
  const left = Math.min(isNarrow ? 70 : 110, Math.max(24, ...names.map((name) => name.length * LETTER + 12)));
  const room = Math.max(120, width - left - EDGE);
  const second = Math.max(room / Math.max(1, lasts), isNarrow ? TIGHT.narrow : TIGHT.wide);
  const span = Math.min(Math.max(1, lasts), room / second);
  const gap = GAPS[Math.min(names.length, GAPS.length - 1)];
  const lanes = names.map((_, index) => TOP + index * gap);
  const foot = (lanes.at(-1) ?? 0) + 32;
  return { width, left, room, second, span, lanes, foot, height: foot + 18, lasts, x: (at) => left + at * second };
}

/** Return by how many px the picture is moved to the left so that the time `at` is seen, with more of the past than of the future. */
export function shiftOf({ second, span, lasts }, at) {
  return Math.max(0, Math.min(at - span * 0.7, lasts - span)) * second;
}

/** Return the seconds at which the axis has a number: not more of them than there is room for. */
export function ticks({ second, lasts }) {
  const step = [1, 2, 5, 10, 20, 60].find((seconds) => seconds * second >= 52) ?? 120;
  return Array.from({ length: Math.floor(lasts / step) + 1 }, (_, index) => index * step);
}

/**
 * Return the labels that are shown: none lies on another one. Each is {x, y, text, weight}; the heavier ones are placed
 * first, and none begins left of `left`. One that finds no room is left out, and the one in its way tells how many are: `more`.
 */
export function thinned(labels, left = 0) {
  const placed = [];
  const half = ({ text }) => (text.length * LETTER + APART) / 2;
  const inside = labels.map((label) => ({ ...label, x: Math.max(label.x, left + half(label)) }));
  for (const label of inside.sort((one, other) => other.weight - one.weight || one.x - other.x)) {
    const near = placed.find((one) => Math.abs(one.y - label.y) < 13 && Math.abs(one.x - label.x) < half(one) + half(label));
    if (!near) placed.push({ ...label, more: 0 });
    else if (near.text !== label.text) near.more += 1;
  }
  return placed.sort((one, other) => one.x - other.x);
}

/** Return the line of a jagged cut between two heights. */
export function jagged(x, from, to) {
  const [top, bottom] = [Math.min(from, to) - 12, Math.max(from, to) + 12];
  const steps = Math.max(4, Math.round((bottom - top) / 14));
  const point = (_, index) => `${index ? "L" : "M"}${x + (index % 2 ? 4 : -4)} ${(top + ((bottom - top) * index) / steps).toFixed(1)}`;
  return Array.from({ length: steps + 1 }, point).join("");
}
