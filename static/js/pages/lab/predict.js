// The questions around a run: what will happen, what was seen, one more. Owns their order and what is said after each.

import { answerIn, howSure, isRight, Question } from "./question.js";
import { html, lesson, rich, say, text } from "./view.js";

const SAID = { true: "labpage.yes", false: "labpage.no" };

/** Before the run: what will happen? `skip` shows it without an answer. */
export function Predict({ memory, draft, change, release, skip, forget }) {
  if (memory.predict) {
    const { answer, sure } = memory.predict;
    return html`<p class="predicted">${text("labpage.you_said", { what: answerIn(lesson.predict, "p", answer), sure: howSure(sure).toLowerCase() })} <button type="button" class="linkish" onClick=${forget}>${text("labpage.anew")}</button></p>`;
  }
  if (memory.skipped) return html`<p class="predicted">${text("labpage.skipped")} <button type="button" class="linkish" onClick=${forget}>${text("labpage.guess_after_all")}</button></p>`;
  return html`<${Question} id="predict" question=${lesson.predict} prefix="p" words=${say("predict")} given=${draft} change=${change} send=${release} sure submit=${text("labpage.release")} />
    <p><button type="button" class="linkish" onClick=${skip}>${text("labpage.skip")}</button></p>`;
}

/** After the run: what did you see? Then the fact, beside what was predicted. */
export function Observe({ memory, run, draft, change, send, isOver }) {
  if (!run?.figures) return html`<p class="muted">${text("labpage.not_own")}</p>`;
  if (!isOver && !memory.observe) return html`<p class="muted">${text("labpage.see_the_end")}</p>`;
  const words = say("observe", run.figures);
  if (!memory.observe) return html`<${Question} id="observe" question=${lesson.observe} prefix="o" words=${words} given=${draft} change=${change} send=${send} submit=${text("labpage.say_so")} />`;
  const seen = memory.observe.answer;
  return html`<p class="small muted">${rich(words)}</p>
    <p><${Answer} question=${lesson.observe} prefix="o" answer=${seen} /></p>
    <p class="fact">${rich(say("fact", run.figures))}</p>
    ${memory.predict && html`<p><strong>${text("labpage.you_predicted")}</strong> <${Answer} question=${lesson.predict} prefix="p" answer=${memory.predict.answer} /></p>`}`;
}

/** One question more, with what is to be said to each answer. */
export function Quiz({ memory, answer }) {
  const { quiz } = lesson;
  const given = memory.quiz?.answer;
  return html`<${Question} id="quiz" question=${quiz} prefix="q" words=${say("quiz")} given=${memory.quiz ?? {}} change=${answer} send=${() => {}} />
    <div aria-live="polite">${given !== undefined && html`<p class=${`notice ${isRight(quiz, given) ? "good" : ""}`}><strong>${text(SAID[isRight(quiz, given)])}</strong> ${rich(quiz.kind === "choice" ? say.maybe(`q_${given}_said`, "") : answerIn(quiz, "q", quiz.answer))}</p>`}</div>`;
}

function Answer({ question, prefix, answer }) {
  const right = isRight(question, answer);
  return html`<span class=${`answer ${right ? "right" : "wrong"}`}><span aria-hidden="true">${right ? "✓" : "✕"}</span> ${answerIn(question, prefix, answer)}.</span>
    ${right ? ` ${text("labpage.so_it_was")}` : ` ${text("labpage.it_was", { what: answerIn(question, prefix, question.answer) })}`}`;
}
