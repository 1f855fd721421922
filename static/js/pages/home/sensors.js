// The latest readings of one reservoir, with a line of where each measure came from.
// Owns the card on the home page; the whole charts are on the telemetry page.

import { api, language, seconds, text } from "../shared/page.js";

const MEASURES = ["temperature", "ph", "conductivity", "water_level"];
const POINTS = 40;
const [WIDTH, HEIGHT] = [96, 28];

/** Make the sensor card `card` live. Until something comes it shows the newest reading there is, and then it stays with
 * the first reservoir that is heard of: one that has fallen silent is in the state of the topic, too. */
export function mountSensors(card, live) {
  let series = {};
  let reservoir = null;
  let newest = "";
  let heard = false;

  const draw = () => {
    for (const name of MEASURES) {
      const line = card.querySelector(`[data-spark=${name}]`);
      line.setAttribute("points", points(series[name]));
    }
  };
  const show = (data, at) => {
    for (const name of MEASURES) {
      const value = card.querySelector(`[data-value=${name}]`);
      value.textContent = number(data[name]);
      series[name] = [...series[name], data[name]].filter(Number.isFinite).slice(-POINTS);
    }
    card.querySelector("[data-where]").textContent = `${data.reservoir_id} · ${seconds(at)}`;
    card.dataset.fresh = "true";
    draw();
  };

  const follow = (name) => {
    reservoir = name;
    const own = (series = Object.fromEntries(MEASURES.map((measure) => [measure, []])));
    loadHistory(name, own).then(() => own === series && draw(), () => {}); // an ornament: without it the values stand
  };

  live.on("sensor_update", (message) => {
    const { data, timestamp } = message;
    const again = data.reservoir_id === reservoir;
    if (!again && (heard || timestamp <= newest)) return;
    heard ||= again && timestamp > newest;
    newest = timestamp;
    if (!again) follow(data.reservoir_id);
    show(data, timestamp);
  });
}

async function loadHistory(reservoir, series) {
  const readings = await api(`/api/sensors?reservoir_id=${encodeURIComponent(reservoir)}&limit=${POINTS}`);
  for (const name of MEASURES) series[name] = readings.map((reading) => reading[name]).filter(Number.isFinite);
}

const number = (value) =>
  Number.isFinite(value) ? value.toLocaleString(language, { maximumFractionDigits: 2 }) : text("home.no_value");

function points(values) {
  if (values.length < 2) return "";
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = WIDTH / (values.length - 1);
  return values
    .map((value, i) => `${(i * step).toFixed(1)},${(HEIGHT - 3 - ((value - low) / span) * (HEIGHT - 6)).toFixed(1)}`)
    .join(" ");
}
