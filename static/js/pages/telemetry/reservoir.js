// One reservoir on the page: its four measures with value and chart, and the last readings as a table.

import { api, seconds, text } from "../shared/page.js";
import { mountChart } from "./chart.js";
import { MEASURES, Series, THIN } from "./series.js";
import { decimal, short } from "./words.js";

const TABLE_ROWS = 10;
const NEWEST = 400; // readings; an hour of one every 10 s

function element(tag, className, content = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = content;
  return made;
}

export class Reservoir {
  #series = new Series();
  #cards = new Map();
  #limits;
  #hours = 24;

  /** Fill `section`, or make one, for the reservoir `id`; `limits` has the thresholds by measure. */
  constructor(id, limits, section = element("section", "reservoir")) {
    this.id = id;
    this.#limits = limits;
    this.section = section;
    section.dataset.reservoir = id;
    section.setAttribute("aria-label", id);
    const head = document.createElement("header");
    this.when = element("p", "muted small number");
    head.append(element("h2", "", id), this.when);
    this.note = element("p", "notice");
    this.note.hidden = true;
    const grid = element("div", "measures");
    this.rows = document.createElement("tbody");
    section.replaceChildren(head, this.note, grid, this.#table());
  }

  /** Draw the charts; the section must be in the page, from which a chart takes its width and its colours. */
  mount(hours) {
    this.#hours = hours;
    for (const measure of MEASURES) this.#card(measure);
  }

  /** Let the charts show the last so many hours. */
  showHours(hours) {
    this.#hours = hours;
    this.add([]);
  }

  /** Show at each measure what is open there: `severity(id, measure)` says it, null where nothing is. */
  mark(severity) {
    for (const [name, { card, tag }] of this.#cards) {
      const worst = severity(this.id, name);
      card.dataset.severity = worst ?? "";
      tag.textContent = worst ? text(`telemetry.severity_${worst}`) : "";
      tag.className = worst ? `alert-tag alert-${worst}` : "alert-tag";
    }
  }

  /** Load what was measured before; what comes in meanwhile is kept. */
  async load() {
    this.note.hidden = true;
    try {
      const path = `/api/sensors?reservoir_id=${encodeURIComponent(this.id)}`;
      const [newest, day] = await Promise.all([api(`${path}&limit=${NEWEST}`), api(`${path}&every=${THIN}&limit=${86_400 / THIN}`)]);
      this.add([...day, ...newest]);
    } catch {
      const retry = element("button", "linkish", text("telemetry.retry"));
      retry.addEventListener("click", () => this.load());
      this.note.replaceChildren(text("telemetry.history_failed"), " ", retry);
      this.note.hidden = false;
    }
  }

  /** Forget what the page has, and load what the server has. */
  begin() {
    this.#series = new Series();
    return this.load();
  }

  /** Take new readings and draw them. */
  add(readings) {
    this.#series.add(readings);
    const { latest } = this.#series;
    if (!latest) return;
    this.when.textContent = text("telemetry.measured", { time: seconds(latest.timestamp) });
    for (const measure of MEASURES) this.#draw(measure, latest);
    this.rows.replaceChildren(...this.#series.readings.slice(-TABLE_ROWS).reverse().map(row));
  }

  #draw(measure, latest) {
    const { name, unit, digits } = measure;
    const { value, range, chart } = this.#cards.get(name);
    const span = this.#series.range(name, this.#hours);
    const words = { low: decimal(span?.low, digits), high: decimal(span?.high, digits) };
    value.textContent = decimal(latest[name], digits);
    range.textContent = text("telemetry.range", words);
    const told = { name: text(`telemetry.${name}`), reservoir: this.id, now: value.textContent, unit, n: this.#series.within(this.#hours).length };
    chart.show(this.#series.columns(name, this.#hours), text("telemetry.chart", { ...told, ...words }));
  }

  #card(measure) {
    const card = element("article", `card measure hue-${measure.hue}`);
    card.dataset.measure = measure.name;
    const head = element("div", "measure-head");
    const value = element("strong", "number", "–");
    const now = element("p", "measure-now");
    now.append(value, " ", element("small", "muted", measure.unit));
    const range = element("p", "measure-range muted number");
    const title = element("h3", "", text(`telemetry.${measure.name}`));
    const tag = element("span", "alert-tag");
    head.append(title, tag, now, range);
    const host = element("div", "chart");
    host.setAttribute("role", "img");
    const { thresholds } = this.#limits[measure.name];
    const normal = { low: short(thresholds.low.warning), high: short(thresholds.high.warning) };
    card.append(head, host, element("p", "measure-normal muted", text("telemetry.normal", normal)));
    this.section.querySelector(".measures").append(card);
    this.#cards.set(measure.name, { card, tag, value, range, chart: mountChart(host, measure, thresholds) });
  }

  #table() {
    const details = element("details", "readings");
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const title of [text("telemetry.time"), ...MEASURES.map(({ name, unit }) => `${text(`telemetry.${name}`)} (${unit})`)]) {
      const cell = element("th", "", title);
      cell.scope = "col";
      head.append(cell);
    }
    table.append(this.rows);
    details.append(element("summary", "", text("telemetry.table")), table);
    return details;
  }
}

function row(reading) {
  const made = element("tr", "number");
  made.append(element("td", "", seconds(reading.timestamp)), ...MEASURES.map(({ name, digits }) => element("td", "", decimal(reading[name], digits))));
  return made;
}
