// What moves the clock: buttons, a bar with marks, the keyboard, and the passing of time. It draws nothing of the run.

import { SPEEDS } from "./clock.js";
import { actName, html, say, seconds, text } from "./view.js";

const MOST_STEP = 0.1; // s of the visitor's time that one picture may be late
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Return whether nothing may move by itself. */
export const standsStill = () => still.matches;

/** Let time pass for `clock` while it plays; `show` is called for each picture. Returns what starts it. */
export function ticking(clock, show) {
  let last = null;
  const tick = (now) => {
    if (last !== null) clock.advance(Math.min(MOST_STEP, (now - last) / 1000));
    last = clock.isPlaying ? now : null;
    show();
    if (clock.isPlaying) requestAnimationFrame(tick);
  };
  return () => last === null && requestAnimationFrame(tick);
}

/** Return what the buttons and keys do. `start` begins the ticking, `show` shows the present moment. */
export function deedsOf(clock, { start, show, marks }) {
  const shown = (deed) => (...given) => {
    deed(...given);
    show();
  };
  const play = () => {
    if (clock.isOver) clock.seek(0);
    if (standsStill()) return clock.step(1, marks());
    clock.play();
    start();
  };
  return {
    toggle: shown(() => (clock.isPlaying ? clock.pause() : play())),
    step: shown((direction) => clock.step(direction)),
    seek: shown((at) => {
      clock.pause();
      clock.seek(at);
    }),
    speed: shown((speed) => (clock.speed = speed)),
  };
}

/** Let the keys Space ← → Home End 1 2 3 do what the buttons do, where `place` has the focus or nothing has. */
export function listenToKeys(place, clock, deeds, isReleased) {
  const keys = {
    " ": () => deeds.toggle(),
    ArrowLeft: () => deeds.step(-1),
    ArrowRight: () => deeds.step(1),
    Home: () => deeds.seek(0),
    End: () => deeds.seek(clock.lasts),
    ...Object.fromEntries(SPEEDS.map((speed, index) => [String(index + 1), () => deeds.speed(speed)])),
  };
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    const isHere = place.contains(target);
    if (!isReleased() || !(key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!isHere && (target !== document.body || !/^( |Arrow)/.test(key))) return; // other keys belong to who has the focus
    if (isHere && key === " " && target.closest("button, summary, a, pre")) return;
    if (isHere && target.closest("pre, .cells") && key !== " ") return;
    event.preventDefault();
    keys[key]();
  });
}

/** The buttons and the bar. `marks` are [{at, kind, words}] for faults, acts and the first broken rule. */
export function Controls({ clock, deeds, marks, acts, act }) {
  const isPlaying = clock.isPlaying;
  const play = text(isPlaying ? "labpage.pause" : standsStill() ? "labpage.next_mark" : "labpage.play");
  const button = (words, shape, deed, kind = "") => html`<button type="button" class=${`button round ${kind}`} aria-label=${words} title=${words} onClick=${deed}><svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d=${shape} /></svg></button>`;
  return html`<div class="controls" role="group" aria-label=${text("labpage.time")}>
    <div class="buttons">
      ${button(text("labpage.to_start"), "M6 5h2.5v14H6zM20 5v14l-10-7z", () => deeds.seek(0))}
      ${button(text("labpage.step_back"), "M16 5v14L6 12z", () => deeds.step(-1))}
      ${button(play, isPlaying ? "M6 5h4.5v14H6zM13.5 5H18v14h-4.500z" : "M7 4v16l13-8z", deeds.toggle, "primary play")}
      ${button(text("labpage.step_on"), "M8 5v14l10-7z", () => deeds.step(1))}
      ${button(text("labpage.to_end"), "M15.500 5H18v14h-2.500zM4 5v14l10-7z", () => deeds.seek(clock.lasts))}
    </div>
    <div class="bar">
      <div class="bar-marks" aria-hidden="true">${marks.map(({ at, kind, words }) => html`<span key=${`${kind}${at}`} class=${`bar-mark ${kind}`} title=${words} style=${{ "--at": at / (clock.lasts || 1) }}></span>`)}</div>
      <input id="lab-time" type="range" min="0" max=${clock.lasts} step="any" aria-label=${text("labpage.moment")} aria-valuetext=${seconds(clock.at)} onInput=${(event) => deeds.seek(Number(event.currentTarget.value))} />
    </div>
    <output class="time number" for="lab-time"></output>
    <div class="speeds" role="group" aria-label=${text("labpage.speed")}>${SPEEDS.map((speed) => html`<button key=${speed} type="button" class="button" aria-pressed=${String(clock.speed === speed)} onClick=${() => deeds.speed(speed)}>${speed < 1 ? "×¼" : `×${speed}`}</button>`)}</div>
    <p class="slowly small" aria-hidden="true"></p>
    ${acts.length > 0 && html`<${Acts} acts=${acts} act=${act} isOver=${clock.isOver} />`}
  </div>`;
}

// At the end there is nothing that an act could change.
function Acts({ acts, act, isOver }) {
  return html`<div class="acts" role="group" aria-label=${text("labpage.acts")}><span class="small muted">${text(isOver ? "labpage.acts_before" : "labpage.acts")}</span>
    ${acts.map((name) => html`<button key=${name} type="button" class="button deed" aria-disabled=${String(isOver)} onClick=${() => isOver || act(name)}>${actName(name)}</button>`)}</div>`;
}

/** Show the present moment in the bar, without drawing it anew. */
export function showTime(place, clock) {
  const bar = place.querySelector("#lab-time");
  if (!bar) return;
  bar.value = clock.at;
  bar.setAttribute("aria-valuetext", seconds(clock.at));
  bar.style.setProperty("--done", clock.at / (clock.lasts || 1));
  place.querySelector(".time").textContent = `${say.seconds(clock.at)} s`;
  const pill = place.querySelector(".slowly");
  pill.textContent = clock.isHeld ? text("labpage.held") : clock.isSlow ? text("labpage.slow") : "";
  pill.dataset.held = clock.isHeld;
}
