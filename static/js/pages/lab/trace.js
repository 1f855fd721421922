// From the events of a run to what is drawn of it: arrows, marks, troubles of roads, fates of nodes, bands. Pure; the
// vocabulary is the trace's own, and no lesson is known here.

const SENDS = new Set(["send", "ack", "push"]);
const MARKS = new Set(["commit", "known", "recv", "show", "refuse", "take", "say", "skew", "expire"]);
const TROUBLES = new Set(["cut", "dark", "block", "buffer"]);
const RELIEF = { light: ["dark"], unblock: ["block"], heal: ["cut", "dark", "block", "buffer"] };
const FATES = { crash: "down", gone: "down", stop: "leaving", pause: "paused" };
const BACK = new Set(["boot", "resume"]);
const FAULTS = new Set([...TROUBLES, "crash", "pause", "stop", "skew"]);
const UNSEEN = new Set(["open", "close", "done"]);
const TOGETHER = 0.01; // s, within which two moments are one

/** Return the two lanes of a road's name, as in till-bank; null where it is none between lanes that are drawn. */
export function roadOf(name, lanes) {
  for (let dash = name.indexOf("-"); dash > 0; dash = name.indexOf("-", dash + 1)) {
    const ends = [lanes.indexOf(name.slice(0, dash)), lanes.indexOf(name.slice(dash + 1))];
    if (!ends.includes(-1)) return ends;
  }
  return null;
}

/** Return what is drawn of `events` (a run of one strategy) on `lanes`; times in s, lanes by number from the top. */
export function pictured(events, lanes) {
  const found = { arrows: [], marks: [], troubles: [], fates: [], bands: [], leases: [], states: [], faults: [], moments: [] };
  const arrows = new Map();
  const committed = new Map();
  const lasts = events.at(-1)?.t ?? 0;
  const close = (list, fits, at) => list.filter((one) => one.to === null && fits(one)).forEach((one) => (one.to = at));
  for (const event of events) {
    const { t, n, msg = "" } = event;
    const lane = lanes.indexOf(event.lane);
    const road = lane < 0 ? roadOf(event.lane, lanes) : null;
    const thing = { n, at: t, lane, msg, numbers: [n] };
    if (FAULTS.has(event.do)) found.faults.push(t);
    if (!UNSEEN.has(event.do) && (lane >= 0 || road)) found.moments.push(t);
    if (SENDS.has(event.do) && lane >= 0) arrows.set(n, { ...thing, kind: event.do, to: null, end: null, isLost: false });
    else if (event.do === "arrive") arrive(arrows, thing, event.of, found.arrows);
    else if (event.do === "lose") lose(arrows, thing, event.of, road, found);
    else if (MARKS.has(event.do) && lane >= 0) found.marks.push({ ...thing, ...commitOf(event, committed), text: event.text ?? "", by: event.seconds ?? event.by ?? 0 });
    else if (TROUBLES.has(event.do) && road) found.troubles.push({ ...thing, kind: event.do, road, to: null, kinds: [event.kinds ?? []].flat() });
    else if (RELIEF[event.do] && road) close(found.troubles, (one) => String(one.road) === String(road) && RELIEF[event.do].includes(one.kind), t);
    else if (lane >= 0) turn(event, thing, found, close);
  }
  found.arrows.sort((one, other) => one.n - other.n);
  placeLosses(found.arrows);
  for (const one of found.fates) one.to ??= lasts;
  for (const one of [...found.bands, ...found.states, ...found.leases]) one.to = Math.min(one.to ?? lasts, lasts);
  found.moments = apart(found.moments);
  found.faults = apart(found.faults);
  return { ...found, lasts };
}

function arrive(arrows, { n, at, lane }, of, drawn) {
  const sent = arrows.get(of);
  if (!sent || lane < 0 || sent.lane === lane) return;
  drawn.push({ ...sent, to: lane, end: at, numbers: [sent.n, n] });
}

// What is lost on a road is an arrow that ends on its way; what is lost at a lane, e.g. on its disk, is a mark.
function lose(arrows, thing, of, road, { arrows: drawn, marks }) {
  const { n, at, lane } = thing;
  const sent = arrows.get(of);
  if (lane >= 0) marks.push({ ...thing, kind: "lose", text: "", by: 0 });
  if (!sent || !road?.includes(sent.lane)) return;
  const to = road[0] === sent.lane ? road[1] : road[0];
  drawn.push({ ...sent, to, end: at, isLost: true, numbers: [sent.n, n] });
}

// Where a lane commits the same message again it does so twice, or more often.
function commitOf({ do: done, lane, msg }, committed) {
  if (done !== "commit" || msg === undefined) return { kind: done };
  const name = `${lane} ${msg}`;
  const times = (committed.get(name) ?? 0) + 1;
  committed.set(name, times);
  return { kind: times > 1 ? "twice" : done, times };
}

function turn(event, thing, found, close) {
  const { t, lane } = { t: event.t, lane: thing.lane };
  const here = (one) => one.lane === lane;
  const begin = (list, more) => {
    close(list, here, t);
    list.push({ ...thing, to: null, ...more });
  };
  if (FATES[event.do]) begin(found.fates, { kind: FATES[event.do], isCrash: event.do === "crash" });
  else if (BACK.has(event.do)) close(found.fates, here, t);
  else if (event.do === "rung") begin(found.bands, { rung: event.rung });
  else if (event.do === "state") begin(found.states, { text: String(event.value ?? "") });
  else if (event.do === "lease") lease(event, thing, found.leases);
}

function lease({ token, until }, thing, leases) {
  const renewed = leases.findLast((one) => one.lane === thing.lane && one.token === token && one.to >= thing.at);
  if (renewed) renewed.to = until;
  else leases.push({ ...thing, token, to: until });
}

// How far a lost arrow came: as far as others come in that time.
function placeLosses(arrows) {
  const took = new Map();
  const way = ({ lane, to }) => `${lane} ${to}`;
  for (const arrow of arrows) if (!arrow.isLost) took.set(way(arrow), [...(took.get(way(arrow)) ?? []), arrow.end - arrow.at]);
  for (const arrow of arrows.filter(({ isLost }) => isLost)) {
    const times = (took.get(way(arrow)) ?? []).sort((one, other) => one - other);
    const usual = times[times.length >> 1] || 2 * (arrow.end - arrow.at) || 1;
    arrow.way = Math.min(0.88, Math.max(0.14, (arrow.end - arrow.at) / usual));
  }
}

/** Return times in their order, of which those that are too near to the one before are left out. */
export function apart(times, distance = TOGETHER) {
  const kept = [];
  for (const time of [...times].sort((one, other) => one - other)) if (!kept.length || time - kept.at(-1) > distance) kept.push(time);
  return kept;
}

/** Return the time (s) of the counter-example that shows first in a run, and of which strategy; null where no rule is broken. */
export function firstBreach({ played }) {
  const broken = played.flatMap(({ strategy, verdicts, lasts }) =>
    verdicts.filter(({ breach }) => breach).map(({ rule, breach }) => ({ strategy, rule, at: breach.t ?? lasts })));
  return broken.sort((one, other) => one.at - other.at)[0] ?? null;
}
