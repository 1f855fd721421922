// What may be turned: the seed, the knobs, which strategies run. What is turned becomes another run when it is let go.

import { ownChoice } from "./address.js";
import { html, knobName, lesson, say, text } from "./view.js";

const MOST_SEED = 2 ** 32 - 1;
const DICE = 1000; // seeds that the die throws

/** `turn(choice)` is called with another choice; `busy` while one is on its way. */
export function Knobs({ choice, turn, reset, isOwn }) {
  const toKnob = (name) => (value) => turn({ ...choice, knobs: { ...choice.knobs, [name]: value } });
  const toSeed = (event) => {
    const seed = Math.trunc(Number(event.currentTarget.value));
    if (event.currentTarget.value !== "" && seed >= 0 && seed <= MOST_SEED) turn({ ...choice, seed });
  };
  return html`<div class="knobs">
    <div class="field seed"><label for="lab-seed">${text("labpage.seed")}</label>
      <span class="seed-row"><input id="lab-seed" type="number" inputmode="numeric" min="0" max=${MOST_SEED} value=${choice.seed} onChange=${toSeed} />
        <button type="button" class="button" onClick=${() => turn({ ...choice, seed: 1 + Math.floor(Math.random() * DICE) })}><${Die} /> ${text("labpage.dice")}</button></span>
      <span class="hint">${text("labpage.seed_hint")}</span></div>
    ${lesson.knobs.map((knob) => html`<${Knob} key=${knob.name} knob=${knob} value=${choice.knobs[knob.name]} turn=${toKnob(knob.name)} />`)}
    ${lesson.strategies.length > 1 && html`<${Strategies} choice=${choice} turn=${turn} />`}
    <p class="reset"><button type="button" class="button" aria-disabled=${String(isOwn)} onClick=${() => isOwn || reset(ownChoice(lesson))}>${text("labpage.reset")}</button></p>
  </div>`;
}

function Knob({ knob, value, turn }) {
  const id = `lab-knob-${knob.name}`;
  const isWhole = Number.isInteger(knob.default) && Number.isInteger(knob.from) && Number.isInteger(knob.to);
  const step = isWhole ? 1 : Math.min(0.1, (knob.to - knob.from) / 50).toPrecision(1);
  const show = (event) => (event.currentTarget.nextElementSibling.textContent = written(Number(event.currentTarget.value)));
  const written = (number) => `${say.short(number)} ${knob.unit}`.trim();
  return html`<div class="field"><label for=${id}>${knobName(knob.name)}</label>
    <span class="slider"><input id=${id} type="range" min=${knob.from} max=${knob.to} step=${step} value=${value} onInput=${show} onChange=${(event) => turn(Number(event.currentTarget.value))} />
    <output for=${id} class="number">${written(value)}</output></span></div>`;
}

function Strategies({ choice, turn }) {
  const toggle = (name) => {
    const strategies = lesson.strategies.map((one) => one.name).filter((one) => choice.strategies.includes(one) !== (one === name));
    if (strategies.length) turn({ ...choice, strategies });
  };
  return html`<fieldset class="field who"><legend>${text("labpage.strategies")}</legend>${lesson.strategies.map(({ name, title }) =>
    html`<label key=${name}><input type="checkbox" checked=${choice.strategies.includes(name)} onChange=${() => toggle(name)} /> ${title}</label>`)}</fieldset>`;
}

function Die() {
  return html`<svg class="die" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><rect x="3" y="3" width="18" height="18" rx="4" /><circle cx="8" cy="8" r="1.6" /><circle cx="16" cy="8" r="1.6" /><circle cx="12" cy="12" r="1.6" /><circle cx="8" cy="16" r="1.6" /><circle cx="16" cy="16" r="1.6" /></svg>`;
}
