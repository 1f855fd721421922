// Asks the server for runs, and keeps the last ones: to go back is not to wait. Owns what is said when one does not come.

import { text, why } from "../shared/page.js";

const ADDRESS = "/api/lab/runs";
const KEPT = 20;
const runs = new Map();

/** A run that did not come: `message` says why and what to do, `again` whether the same may be asked for once more. */
export class NoRun extends Error {
  constructor(message, again) {
    super(message);
    this.again = again;
  }
}

/** Return the run of a choice. Rejects with NoRun. */
export async function runOf(lesson, choice) {
  const { seed, strategies, acts, knobs } = choice;
  const body = JSON.stringify({ lesson: lesson.slug, seed, strategies, acts, knobs });
  if (!runs.has(body)) keep(body, await ask(body));
  return runs.get(body);
}

function keep(body, run) {
  if (runs.size >= KEPT) runs.delete(runs.keys().next().value);
  runs.set(body, run);
}

async function ask(body) {
  const answer = await fetch(ADDRESS, { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
  if (!answer) throw new NoRun(text("live.unreachable"), true);
  const told = await answer.json().catch(() => null);
  if (answer.ok && told) return told;
  const refused = told?.error ?? {};
  if (answer.status === 503 || answer.status === 429) throw new NoRun(text("labpage.busy", { s: Number(answer.headers.get("Retry-After")) || 1 }), true);
  const fields = Object.values(refused.fields ?? {}).flat();
  if (answer.status === 422 || answer.status === 400) throw new NoRun(text("labpage.unfit", { why: fields.join(". ") || refused.message || "" }), false);
  throw new NoRun(why({ code: refused.code, message: refused.message ?? answer.statusText }), true);
}
