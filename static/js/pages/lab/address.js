// The address of the page is the run: ?seed=3&s=once,retry&x=cut@4.2&cuts=2. What is as the lesson has it is left out.

const SEED = "seed";
const STRATEGIES = "s";
const ACTS = "x";
const listed = (given) => (given ?? "").split(",").map((one) => one.trim()).filter(Boolean);

/** Return the run that the lesson itself chose. */
export function ownChoice(lesson) {
  const knobs = Object.fromEntries(lesson.knobs.map((knob) => [knob.name, knob.default]));
  return { seed: lesson.seed, strategies: lesson.strategies.map(({ name }) => name), acts: [], knobs };
}

/** Return the run that an address names. What cannot be meant is as the lesson has it. */
export function readAddress(search, lesson) {
  const query = new URLSearchParams(search);
  const own = ownChoice(lesson);
  const seed = query.get(SEED);
  const named = listed(query.get(STRATEGIES));
  const strategies = own.strategies.filter((name) => named.includes(name));
  const turned = lesson.knobs.filter(({ name }) => query.get(name)?.trim() && Number.isFinite(Number(query.get(name))));
  return {
    seed: /^\d+$/.test(seed ?? "") ? Number(seed) : own.seed,
    strategies: strategies.length ? strategies : own.strategies,
    acts: listed(query.get(ACTS)),
    knobs: { ...own.knobs, ...Object.fromEntries(turned.map(({ name }) => [name, Number(query.get(name))])) },
  };
}

/** Return the address of a run, from its question mark on; what else `search` says stays. */
export function writeAddress(choice, lesson, search = "") {
  const own = ownChoice(lesson);
  const query = new URLSearchParams(search);
  const set = (name, value, usual) => (String(value) === String(usual) ? query.delete(name) : query.set(name, value));
  set(SEED, choice.seed, own.seed);
  set(STRATEGIES, choice.strategies.join(","), own.strategies.join(","));
  set(ACTS, choice.acts.join(","), "");
  for (const { name } of lesson.knobs) set(name, choice.knobs[name], own.knobs[name]);
  const written = query.toString().replaceAll("%40", "@").replaceAll("%3A", ":").replaceAll("%2C", ",");
  return written && `?${written}`;
}

/** Return the acts of a run in the order of their times, as {do, at}. */
export function actsOf({ acts }) {
  const split = (act) => ({ do: act.slice(0, act.lastIndexOf("@")), at: Number(act.slice(act.lastIndexOf("@") + 1)) });
  return acts.map(split).sort((one, other) => one.at - other.at);
}

/** Return `choice` with one act more, at the time `at`: never before it, so that what has been seen stays as it was. */
export function withAct(choice, act, at) {
  return { ...choice, acts: [...choice.acts, `${act}@${Math.ceil(at * 100 - 1e-9) / 100}`] };
}

/** Return whether two choices are of the same run. */
export function isSame(one, other) {
  return JSON.stringify([one.seed, one.strategies, one.acts, one.knobs]) === JSON.stringify([other.seed, other.strategies, other.acts, other.knobs]);
}
