// A question of a lesson: one of several, an order, a number. Owns its form, and whether an answer is right.

import { html, rich, say, text } from "./view.js";

const SURE = ["low", "fair", "high"];
const isList = Array.isArray;

/** Return in words how sure somebody is. */
export const howSure = (one) => say.maybe(`sure_${one}`, text(`labpage.sure_${one}`));

/** Return whether an answer is right. */
export function isRight(question, answer) {
  if (question.kind === "number") return Math.abs(answer - question.answer) <= question.within;
  if (question.kind !== "order") return answer === question.answer;
  return [question.answer, ...(question.also ?? [])].some((order) => String(order) === String(answer));
}

/** Return an answer in words. */
export function answerIn(question, prefix, answer) {
  if (question.kind === "number") return `${say.number(answer)} ${question.unit}`.trim();
  return [answer].flat().map((one) => say(`${prefix}_${one}`)).join(" → ");
}

/** The form of a question. `given` is what is chosen by now ({answer, sure}); `change` gets what is, `send` is called when it is sent. */
export function Question({ id, question, prefix, words, given, change, send, sure = false, submit }) {
  const kinds = { order: Order, number: Figure };
  const isComplete = given.answer !== undefined && (!sure || given.sure !== undefined);
  const onSubmit = (event) => {
    event.preventDefault();
    if (isComplete) send();
  };
  return html`<form class="question" onSubmit=${onSubmit} data-question=${id}>
    <fieldset><legend>${rich(words)}</legend>
      <${kinds[question.kind] ?? Choice} id=${id} question=${question} prefix=${prefix} answer=${given.answer} set=${(answer) => change({ ...given, answer })} />
    </fieldset>
    ${sure && html`<fieldset class="sure"><legend>${say.maybe("sure", text("labpage.sure"))}</legend>
      <div class="options">${SURE.map((one) => html`<${Option} key=${one} name=${`${id}-sure`} words=${howSure(one)} checked=${given.sure === one} set=${() => change({ ...given, sure: one })} />`)}</div></fieldset>`}
    ${submit && html`<button type="submit" class="button primary" aria-disabled=${String(!isComplete)}>${submit}</button>`}
    ${submit && !isComplete && html`<p class="small muted">${text(sure ? "labpage.answer_both" : "labpage.answer_first")}</p>`}
  </form>`;
}

function Option({ name, words, checked, set }) {
  return html`<label class="option"><input type="radio" name=${name} checked=${checked} onChange=${set} /><span>${rich(words)}</span></label>`;
}

function Choice({ id, question, prefix, answer, set }) {
  return html`<div class="options">${question.options.map((one) => html`<${Option} key=${one} name=${id} words=${say(`${prefix}_${one}`)} checked=${answer === one} set=${() => set(one)} />`)}</div>`;
}

function Figure({ id, question, answer, set }) {
  const middle = (question.from + question.to) / 2;
  const step = question.to - question.from > 10 ? 1 : 0.1;
  const onInput = (event) => set(Number(event.currentTarget.value));
  const name = `${id}-number`;
  return html`<div class="figure">
    <input id=${name} type="range" min=${question.from} max=${question.to} step=${step} value=${answer ?? middle} onInput=${onInput} aria-label=${text("labpage.your_number")} />
    <output for=${name} class="number">${answer === undefined ? "–" : say.number(answer)} ${question.unit}</output>
  </div>`;
}

function Order({ question, prefix, answer, set }) {
  const order = isList(answer) ? answer : question.options;
  const move = (index, by) => {
    const next = [...order];
    [next[index], next[index + by]] = [next[index + by], next[index]];
    set(next);
  };
  const arrow = (index, by, words, sign) => {
    const may = index + by >= 0 && index + by < order.length;
    return html`<button type="button" class="button" aria-disabled=${String(!may)} aria-label=${words} onClick=${() => may && move(index, by)}>${sign}</button>`;
  };
  return html`<ol class="order">${order.map((one, index) => html`<li key=${one} class="option"><span>${say(`${prefix}_${one}`)}</span>
    ${arrow(index, -1, text("labpage.earlier", { what: say(`${prefix}_${one}`) }), "↑")}${arrow(index, 1, text("labpage.later", { what: say(`${prefix}_${one}`) }), "↓")}</li>`)}</ol>
    ${!isList(answer) && html`<button type="button" class="linkish" onClick=${() => set(order)}>${text("labpage.as_it_is")}</button>`}`;
}
