// A lesson's page: which run is shown, how far the visitor has come in it, and who draws what of it.

import { render } from "preact";
import { actsOf, isSame, ownChoice, readAddress, withAct, writeAddress } from "./address.js";
import { Clock } from "./clock.js";
import { Explain } from "./explain.js";
import { Hunts } from "./hunt.js";
import { Knobs } from "./knobs.js";
import { forget, remember, remembered } from "./memory.js";
import { Panels, signature } from "./panels.js";
import { Controls, deedsOf, listenToKeys, showTime, standsStill, ticking } from "./player.js";
import { connection, marksOf, mountPlaces } from "./places.js";
import { Observe, Predict, Quiz } from "./predict.js";
import { runOf } from "./runs.js";
import { Stage } from "./stage.js";
import { actName, html, lesson, say, text } from "./view.js";

const own = ownChoice(lesson);
const places = mountPlaces();
const clock = new Clock();
const stage = new Stage(places.player, clock);
const hunts = new Hunts(connection(), () => draw());
const state = { choice: readAddress(location.search, lesson), run: null, error: null, isBusy: false, memory: remembered(lesson.slug), drafts: {}, opened: new Set(), focus: null };
let drawn = "";

const isReleased = () => Boolean(state.memory.predict || state.memory.skipped);
const isFree = () => isReleased() && Boolean(state.memory.skipped || state.memory.observe || (state.run && !state.run.figures));
const marks = () => (state.run ? marksOf(state.run, stage.faults) : []);
const start = ticking(clock, show);
const deeds = deedsOf(clock, { start, show, marks: () => marks().map(({ at }) => at) });
listenToKeys(places.player, clock, deeds, isReleased);

/** Show the present moment: what is other than a moment ago is drawn, else the curtain moves. */
function show() {
  if (state.run && signature(state.run, clock) !== drawn) draw();
  stage.follow();
  showTime(places.player, clock);
}

function draw() {
  const { run, choice, memory } = state;
  if (run) drawn = signature(run, clock);
  const draft = (name) => ({ draft: state.drafts[name] ?? {}, change: (given) => set({ drafts: { ...state.drafts, [name]: given } }) });
  const shown = { clock, last: run?.played.at(-1)?.strategy, focus: state.focus, opened: state.opened, views: stage.views, picture: stage.picture };
  const acts = isFree() ? lesson.acts : [];
  document.getElementById("main").dataset.step = !isReleased() ? "predict" : isFree() ? "free" : "look";
  render(html`<${Predict} memory=${memory} ...${draft("predict")} release=${() => release({ predict: state.drafts.predict })} skip=${() => release({ skipped: true })} forget=${anew} />`, places.predict);
  render(html`<div class="look" aria-busy=${String(state.isBusy)}>
    <p class="unseen" role="status">${announced()}</p>
    ${state.error && html`<div class="notice bad" role="alert"><p>${state.error.message}</p><p class="actions">${state.error.again && html`<button type="button" class="button" onClick=${() => load()}>${text("labpage.again")}</button>`} <button type="button" class="button" onClick=${() => turn(own)}>${text("labpage.reset")}</button></p></div>`}
    ${!run && !state.error && html`<p class="empty">${text("labpage.loading")}</p>`}
    ${run && !isReleased() && html`<p class="empty">${text("labpage.locked")}</p>`}
    ${run && isReleased() && html`
      <p class="small muted which">${which(run)} ${run.acts.length > 0 && html`<button type="button" class="linkish" onClick=${() => turn({ ...choice, acts: [] })}>${text("labpage.without_acts")}</button>`}</p>
      <${Panels} run=${run} shown=${shown} look=${look} open=${open} />
      <${Controls} clock=${clock} deeds=${deeds} marks=${marks()} acts=${acts} act=${(name) => turn(withAct(choice, name, clock.at), true)} />
      <p class="small muted legend">${say.maybe("legend", "")}</p>`}
  </div>`, places.player);
  const observe = () => remembers({ observe: state.drafts.observe });
  if (isReleased()) render(html`<${Observe} memory=${memory} run=${run} ...${draft("observe")} send=${observe} isOver=${clock.isOver} />`, places.observe);
  if (!isFree()) return;
  render(html`<${Explain} />`, places.explain);
  render(html`<${Quiz} memory=${memory} answer=${(quiz) => remembers({ quiz, done: true })} />`, places.quiz);
  render(html`<${Knobs} choice=${choice} turn=${turn} reset=${turn} isOwn=${isSame(choice, own)} />`, places.knobs);
  render(hunts.draw({ choice, turn: goTo }), places.hunt);
}

function announced() {
  if (state.isBusy) return text("labpage.loading");
  return clock.isHeld ? text("labpage.held") : isReleased() && clock.isOver ? text("labpage.over") : "";
}

function which({ seed, acts, fingerprint }) {
  const done = acts.length ? ` · ${say("acts", { acts: actsOf({ acts }).map(({ do: name, at }) => `${actName(name)} (${say.seconds(at)} s)`) })}` : "";
  return `${say("seed", { seed })}${done} · ${say("fingerprint", { fingerprint: fingerprint.slice(0, 8) })}`;
}

function set(more) {
  Object.assign(state, more);
  draw();
  stage.follow();
  showTime(places.player, clock);
}

const remembers = (more) => set({ memory: remember(lesson.slug, more, state.memory) });

function release(answered) {
  remembers(answered);
  if (!standsStill() && state.run) deeds.toggle();
  places.player.querySelector(".play")?.focus({ preventScroll: true });
  places.player.parentElement.scrollIntoView({ block: "start" });
}

function anew() {
  forget(lesson.slug);
  clock.pause();
  clock.seek(0);
  set({ memory: {}, drafts: {}, focus: null });
}

function look(strategy, verdict) {
  clock.pause();
  if (verdict) clock.seek(Math.max(verdict.breach.t ?? clock.lasts, 0));
  stage.forget();
  set({ focus: verdict && { strategy, rule: verdict.rule, numbers: new Set(verdict.breach.events) } });
}

function open(strategy, is) {
  if (state.opened.has(strategy) === is) return;
  const opened = new Set(state.opened);
  set({ opened: is ? opened.add(strategy) : (opened.delete(strategy), opened) });
}

/** Show another run, and give it the page's address; with `keep` time goes on where it is. */
function turn(choice, keep = false) {
  history.pushState(null, "", writeAddress(choice, lesson, location.search) || location.pathname);
  load(choice, keep);
}

function goTo(choice) {
  clock.pause();
  clock.seek(0);
  turn(choice);
  places.player.parentElement.scrollIntoView({ block: "start" });
}

async function load(choice = state.choice, keep = false) {
  set({ choice, isBusy: true, error: null });
  try {
    const run = await runOf(lesson, choice);
    if (choice !== state.choice) return;
    stage.load(run, keep);
    set({ run, isBusy: false, focus: null });
  } catch (error) {
    if (choice === state.choice) set({ error, isBusy: false });
  }
}

addEventListener("popstate", () => load(readAddress(location.search, lesson)));
new ResizeObserver(() => stage.measure() && set({})).observe(places.player);
load();
