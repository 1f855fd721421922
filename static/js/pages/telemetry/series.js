// The readings of one reservoir in time order, bounded. Pure: it must not touch the page or the network.

export const MEASURES = [
  { name: "temperature", unit: "°C", hue: 1, digits: 1, least: 1 },
  { name: "ph", unit: "pH", hue: 4, digits: 2, least: 0.2 },
  { name: "conductivity", unit: "µS/cm", hue: 3, digits: 0, least: 10 },
  { name: "water_level", unit: "%", hue: 2, digits: 1, least: 1 },
];
export const THIN = 300; // seconds between two readings that are older than an hour

const MOST = 2000; // readings, however many a device sends
const HOUR = 3_600_000; // ms

const PAUSE_STEPS = 6; // so many times the usual step without a reading is a pause

export class Series {
  readings = [];

  /** Take `readings` in any order; one of the same instant is taken once. */
  add(readings) {
    const byTime = new Map(this.readings.map((reading) => [reading.timestamp, reading]));
    for (const reading of readings) byTime.set(reading.timestamp, reading);
    const ordered = [...byTime.values()].sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
    this.readings = thinned(ordered).slice(-MOST);
  }

  get latest() {
    return this.readings.at(-1) ?? null;
  }

  /** Return the readings of the last so many hours before the latest; the latest two at least, so that there is a line. */
  within(hours) {
    const since = Date.parse(this.latest?.timestamp) - hours * 3_600_000;
    const first = this.readings.findIndex((reading) => Date.parse(reading.timestamp) >= since);
    return this.readings.slice(Math.min(first, Math.max(0, this.readings.length - 2)));
  }

  /**
   * Return [seconds since the epoch, values], as uPlot takes them; a missing value is null, and so is a pause:
   * the simulation rests while nobody looks, and a line across that would claim what nobody measured.
   */
  columns(name, hours) {
    const readings = this.within(hours);
    const at = readings.map((reading) => Date.parse(reading.timestamp) / 1000);
    const times = [];
    const values = [];
    for (const [i, reading] of readings.entries()) {
      if (isPause(at, i)) {
        times.push((at[i - 1] + at[i]) / 2);
        values.push(null);
      }
      times.push(at[i]);
      values.push(reading[name] ?? null);
    }
    return [times, values];
  }

  /** Return {low, high} of the measure `name` in the last so many hours, or null without values. */
  range(name, hours) {
    const values = this.within(hours).map((reading) => reading[name]).filter(Number.isFinite);
    return values.length ? { low: Math.min(...values), high: Math.max(...values) } : null;
  }
}

/** Tell whether nothing was measured for long before reading `i`: compared with the steps around, for the step may change. */
function isPause(at, i) {
  const [before, after] = [at[i - 1] - at[i - 2], at[i + 1] - at[i]].map((step) => (step > 0 ? step : 0));
  const usual = Math.max(before, after) || Infinity;
  return i > 0 && at[i] - at[i - 1] > usual * PAUSE_STEPS;
}

/** Drop what is older than a day, and of what is older than an hour all but the first of each stretch of THIN seconds. */
function thinned(readings) {
  const latest = Date.parse(readings.at(-1)?.timestamp);
  let stretch = null;
  return readings.filter(({ timestamp }, i) => {
    const at = Date.parse(timestamp);
    const before = stretch;
    stretch = Math.floor(at / (THIN * 1000));
    return i >= readings.length - 2 || at > latest - HOUR || (at > latest - 24 * HOUR && stretch !== before);
  });
}
