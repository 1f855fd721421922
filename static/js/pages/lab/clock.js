// The time of a player: where it is, how fast it goes, where it slows down and where it stops. Pure; seconds of the run.

export const AROUND = 0.3; // s before and after a fault, in which it goes slowly by itself
export const SPEEDS = [0.25, 1, 4];
const SLOWER = 4;
const MOST_SLOW = 0.4; // of a run

/** Return the stretches of time around faults, merged: [[from, to]…]. Where there are many faults they are shorter. */
export function slowStretches(faults, lasts) {
  const found = stretchesOf(faults, lasts, AROUND);
  const slow = found.reduce((sum, [from, to]) => sum + to - from, 0);
  return slow > lasts * MOST_SLOW ? stretchesOf(faults, lasts, (AROUND * lasts * MOST_SLOW) / slow) : found;
}

function stretchesOf(faults, lasts, around) {
  const stretches = [];
  for (const fault of faults) {
    const [from, to] = [Math.max(0, fault - around), Math.min(lasts, fault + around)];
    if (stretches.length && from <= stretches.at(-1)[1]) stretches.at(-1)[1] = to;
    else stretches.push([from, to]);
  }
  return stretches;
}

export class Clock {
  at = 0;
  speed = 1;
  isPlaying = false;
  isHeld = false; // at the first broken rule, until it goes on
  #stop = null;

  constructor() {
    this.load({ lasts: 0, faults: [], moments: [], stopAt: null });
  }

  /** Take another run; time goes on where it was, with `keep`, else from the beginning. */
  load({ lasts, faults, moments, stopAt }, keep = false) {
    this.lasts = lasts;
    this.slow = slowStretches(faults, lasts);
    this.moments = moments;
    this.isHeld &&= keep;
    this.at = keep ? Math.min(this.at, lasts) : 0;
    this.#stop = stopAt !== null && stopAt > this.at ? stopAt : null;
    if (!keep) this.isPlaying = false;
  }

  get isSlow() {
    return this.slow.some(([from, to]) => this.at >= from && this.at < to);
  }

  get isOver() {
    return this.at >= this.lasts;
  }

  play() {
    if (this.isOver) this.at = 0;
    this.isPlaying = this.lasts > 0;
    this.isHeld = false;
  }

  pause() {
    this.isPlaying = false;
  }

  /** Let `seconds` of the visitor's time pass. */
  advance(seconds) {
    for (let left = seconds; left > 1e-9 && this.isPlaying; ) {
      const rate = this.isSlow ? Math.min(this.speed, Math.max(this.speed / SLOWER, SPEEDS[0])) : this.speed;
      const edges = [...this.slow.flat(), this.lasts, this.#stop ?? Infinity].filter((edge) => edge > this.at);
      const next = Math.min(...edges, this.at + left * rate);
      left -= (next - this.at) / rate;
      this.at = next;
      if (next === this.#stop) this.#hold();
      else if (this.isOver) this.isPlaying = false;
    }
  }

  #hold() {
    this.#stop = null;
    this.isPlaying = false;
    this.isHeld = true;
  }

  /** Go to a time; who has been beyond the first broken rule is not stopped there any more. */
  seek(at) {
    this.at = Math.min(this.lasts, Math.max(0, at));
    this.isHeld = false;
    if (this.#stop !== null && this.at >= this.#stop) this.#stop = null;
  }

  /** Go to the moment after (`1`) or before (`-1`) this one, among `moments`. */
  step(direction, moments = this.moments) {
    this.pause();
    const after = direction > 0 ? moments.find((one) => one > this.at + 1e-6) : moments.findLast((one) => one < this.at - 1e-6);
    this.seek(after ?? (direction > 0 ? this.lasts : 0));
  }
}
