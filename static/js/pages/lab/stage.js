// The pictures of a run on the page: how wide they are, which moment they show. A picture is drawn once, and then moved.

import { scaleOf, shiftOf } from "./layout.js";
import { follow } from "./spacetime.js";
import { apart, firstBreach, pictured } from "./trace.js";
import { laneName, lesson } from "./view.js";

const INSIDE = 2 * 22; // px, of a panel beside its picture
const NARROWEST = 260;

export class Stage {
  /** What is drawn of each strategy: {drawn, scale}. */
  views = new Map();
  faults = [];
  #place;
  #clock;
  #run = null;
  #width = 0;
  #pictures = new Map();

  constructor(place, clock) {
    this.#place = place;
    this.#clock = clock;
    this.measure();
  }

  /** Take another run; time goes on where it was, with `keep`. */
  load(run, keep) {
    this.#run = run;
    const drawn = run.played.map(({ events, strategy }) => [strategy, pictured(events, lesson.lanes)]);
    const all = (what) => apart(drawn.flatMap(([, one]) => one[what]));
    const frames = run.played.flatMap((played) => played.frames.map(({ t }) => t));
    this.faults = all("faults");
    const lasts = Math.max(0, ...run.played.map((played) => played.lasts));
    const moments = lesson.lanes.length ? all("moments") : apart(frames);
    this.#clock.load({ lasts, faults: this.faults, moments, stopAt: firstBreach(run)?.at ?? null }, keep);
    this.views = new Map(drawn.map(([strategy, one]) => [strategy, { drawn: one }]));
    this.#arrange();
  }

  /** Measure the room there is; returns whether it is another one. */
  measure() {
    const panel = this.#place.querySelector(".panel .picture")?.parentElement;
    const style = panel && getComputedStyle(panel);
    const width = Math.max(NARROWEST, Math.floor(panel ? panel.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) : this.#place.clientWidth - INSIDE));
    if (width === this.#width) return false;
    this.#width = width;
    this.#arrange();
    return true;
  }

  /** Return the picture of a strategy: the one that was drawn, else what `draw` returns. */
  picture = (strategy, draw) => {
    if (!lesson.lanes.length) return null;
    if (!this.#pictures.has(strategy)) this.#pictures.set(strategy, draw());
    return this.#pictures.get(strategy);
  };

  /** Have all pictures drawn anew, e.g. because another counter-example is looked at. */
  forget() {
    this.#pictures.clear();
  }

  /** Show the present moment in all pictures. */
  follow() {
    for (const svg of this.#place.querySelectorAll("svg.picture")) {
      const view = this.views.get(svg.dataset.picture);
      const at = Math.min(this.#clock.at, this.#clock.lasts);
      if (view) follow(svg, view.scale, at, shiftOf(view.scale, at));
    }
  }

  #arrange() {
    this.forget();
    const names = lesson.lanes.map(laneName);
    const lasts = this.#clock.lasts;
    for (const view of this.views.values()) view.scale = { ...scaleOf({ width: this.#width, lasts, names }), names };
  }
}
