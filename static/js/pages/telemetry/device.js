// The form that speaks as a device would: it names every wrong field before it sends, and what the server refuses then.

import { onSubmit } from "../shared/form.js";
import { api, text } from "../shared/page.js";
import { MEASURES } from "./series.js";
import { numberOf, short } from "./words.js";

const RESERVOIR_ID = /^[A-Za-z0-9_-]{1,40}$/;

/** Make the form `#device` send; `limits` says by measure what the `least` and the `most` is. */
export function mountDevice(limits) {
  const form = document.getElementById("device");
  const said = document.getElementById("device-said");
  form.addEventListener("input", () => (said.textContent = ""));
  onSubmit(form, async (values) => {
    said.textContent = "";
    const reading = { reservoir_id: values.reservoir_id.trim() };
    for (const { name } of MEASURES) reading[name] = numberOf(values[name]);
    const fields = wrongIn(reading, limits);
    if (Object.keys(fields).length) throw Object.assign(new Error(), { fields });
    await api("/api/sensors", { method: "POST", body: reading });
    said.textContent = text("telemetry.posted", { reservoir: reading.reservoir_id });
  });
}

function wrongIn(reading, limits) {
  const wrong = {};
  if (!reading.reservoir_id) wrong.reservoir_id = text("telemetry.needed");
  else if (!RESERVOIR_ID.test(reading.reservoir_id)) wrong.reservoir_id = text("telemetry.between_letters", { low: 1, high: 40 });
  for (const { name } of MEASURES) {
    const { least, most } = limits[name];
    if (reading[name] === null) wrong[name] = text("telemetry.not_a_number");
    else if (reading[name] < least || reading[name] > most) wrong[name] = text("telemetry.between", { low: short(least), high: short(most) });
  }
  return wrong;
}
