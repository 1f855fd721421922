// Breaking it: many seeds at once, each a small tape; a knob from end to end, as a curve. Owns what is drawn of both.

import { writeAddress } from "./address.js";
import { Curve } from "./curve.js";
import { runOf } from "./runs.js";
import { Search } from "./search.js";
import { html, knobName, lesson, rich, said, say, text } from "./view.js";

const SEEDS = 100;
const SWEPT = { values: 20, seeds: 10 };
const valuesOf = ({ from, to, default: usual }) => (Number.isInteger(usual) ? Math.min(SWEPT.values, to - from + 1) : SWEPT.values);
const MOVES = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 };

export class Hunts {
  #strategy = lesson.strategies.at(-1).name;
  #knob = lesson.knobs[0]?.name;
  #swept = null; // what the curve is of
  #hunted = null;
  #sentence = "";
  #changed;

  /** `live` returns the page's connection, `changed` is called when there is something new to draw. */
  constructor(live, changed) {
    this.#changed = changed;
    this.hunt = new Search(live, "/api/lab/hunts", () => this.#tell());
    this.sweep = new Search(live, "/api/lab/sweeps", changed);
  }

  /** `turn` shows another run. */
  draw({ choice, turn }) {
    const { hunt, sweep } = this;
    const title = (name) => lesson.strategies.find((one) => one.name === name).title;
    const knob = lesson.knobs.find(({ name }) => name === this.#knob);
    const pick = (event) => this.#set(() => (this.#strategy = event.currentTarget.value));
    const begin = () => {
      this.#hunted = { ...choice, acts: [], strategies: [this.#strategy] };
      hunt.begin({ lesson: lesson.slug, strategy: this.#strategy, seeds: SEEDS, knobs: choice.knobs });
    };
    const beginSweep = () => {
      this.#swept = { knob: this.#knob, title: title(this.#strategy) };
      sweep.begin({ lesson: lesson.slug, strategy: this.#strategy, knob: this.#knob, ...SWEPT });
    };
    return html`<p>${rich(say("break"))}</p>
      <div class="field"><label for="hunt-who">${text("labpage.hunt_who")}</label>
        <select id="hunt-who" value=${this.#strategy} onChange=${pick}>${lesson.strategies.map(({ name, title: words }) => html`<option key=${name} value=${name}>${words}</option>`)}</select></div>
      <div class="searches">
        <div class="search" data-state=${hunt.state}><h3>${text("labpage.hunt_title")}</h3>
          <${Begin} search=${hunt} words=${text("labpage.hunt", { n: SEEDS })} begin=${begin} />
          ${hunt.result && html`<${Found} result=${hunt.result} sentence=${this.#sentence} of=${this.#hunted} turn=${(seed) => turn({ ...choice, knobs: this.#hunted.knobs, acts: [], seed })} />`}</div>
        ${lesson.knobs.length > 0 && html`<div class="search" data-state=${sweep.state}><h3>${text("labpage.sweep_title")}</h3>
          <div class="field"><label for="sweep-knob">${text("labpage.sweep_knob")}</label>
            <select id="sweep-knob" value=${this.#knob} onChange=${(event) => this.#set(() => (this.#knob = event.currentTarget.value))}>${lesson.knobs.map(({ name }) => html`<option key=${name} value=${name}>${knobName(name)}</option>`)}</select></div>
          <${Begin} search=${sweep} words=${text("labpage.sweep", { n: valuesOf(knob), seeds: SWEPT.seeds })} begin=${beginSweep} />
          ${sweep.result && html`<${Curve} curve=${sweep.result.curve} knob=${lesson.knobs.find(({ name }) => name === this.#swept.knob)} title=${this.#swept.title} />`}</div>`}
      </div>
      <details><summary>${text("labpage.own_code")}</summary><p>${text("laboratory.hunt_command")}</p>
        <pre class="lab-code" tabindex="0" aria-label=${text("labpage.own_code")}><code>${`envivo lab new ${lesson.number} --lang ${lesson.language}\nenvivo lab hunt ${lesson.number} --file mine.py --lang ${lesson.language}`}</code></pre></details>`;
  }

  #set(change) {
    change();
    this.#changed();
  }

  // The shortest counter-example is told in the words of its own run.
  async #tell() {
    this.#changed();
    const shortest = this.hunt.result?.shortest;
    if (!shortest) return this.#set(() => (this.#sentence = ""));
    const run = await runOf(lesson, { ...this.#hunted, seed: shortest.seed }).catch(() => null);
    const breach = run?.played[0].verdicts.find((verdict) => verdict.breach)?.breach;
    this.#set(() => (this.#sentence = breach ? said(breach) : ""));
  }
}

function Begin({ search, words, begin }) {
  const { state, progress, message } = search;
  const isRunning = state === "running";
  return html`<p class="actions"><button type="button" class="button primary" aria-disabled=${String(isRunning)} onClick=${() => isRunning || begin()}>${words}</button>
      ${isRunning && html`<button type="button" class="button" onClick=${() => search.cancel()}>${text("labpage.cancel")}</button>`}</p>
    ${isRunning && html`<p class="progress"><progress max=${progress.of || 1} value=${progress.done} aria-label=${words}></progress> <span class="small number">${text("labpage.progress", { done: progress.done, of: progress.of || "…" })}</span></p>`}
    <p class="small" role="status">${state === "stopped" ? text("labpage.cancelled") : ""}</p>
    ${state === "failed" && html`<p class="notice bad" role="alert">${message}</p>`}`;
}

function Found({ result, sentence, of, turn }) {
  const { seeds, shortest } = result;
  const broken = seeds.filter((one) => one.broken.length);
  const address = (seed) => writeAddress({ ...of, seed, strategies: lesson.strategies.map(({ name }) => name) }, lesson) || location.pathname;
  const open = (seed) => (event) => {
    event.preventDefault();
    turn(seed);
  };
  const words = shortest ? say("break_found", { n: broken.length, all: seeds.length, seed: shortest.seed }) : say("break_none", { all: seeds.length });
  return html`<p class=${`notice ${shortest ? "bad" : "good"} found`}>${words}${shortest && html` ${sentence} <a href=${address(shortest.seed)} onClick=${open(shortest.seed)}>${text("labpage.see_seed", { seed: shortest.seed })}</a>`}</p>
    <p class="small muted">${text("labpage.tapes")}</p>
    <ol class="tapes" onKeyDown=${rove}>${seeds.map(({ seed, broken: rules }, index) => html`<li key=${seed}><a href=${address(seed)} tabindex=${index ? -1 : 0} class=${rules.length ? "broken" : ""} onClick=${open(seed)} title=${say("seed", { seed })}>
      <span class="unseen">${say("seed", { seed })}: ${rules.map((rule) => say(rule)).join(", ") || text("labpage.rule_holds")}</span><span aria-hidden="true">${rules.length ? "✕" : "·"}</span></a></li>`)}</ol>`;
}

// One stop for the tabulator; the arrows go from seed to seed.
function rove(event) {
  const links = [...event.currentTarget.querySelectorAll("a")];
  const next = links[links.indexOf(event.target) + MOVES[event.key]];
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  links.forEach((link) => (link.tabIndex = link === next ? 0 : -1));
  next.focus();
}
