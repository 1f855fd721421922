// A knob from end to end: in how many of the runs a rule is broken, as a curve.

import { html, knobName, say, text } from "./view.js";

const [WIDTH, HEIGHT] = [600, 160];

export function Curve({ curve, knob, title }) {
  const x = (value) => ((value - knob.from) / (knob.to - knob.from || 1)) * WIDTH;
  const y = (share) => HEIGHT - share * HEIGHT;
  const points = curve.map(({ value, of, broken }) => [x(value), y(broken / (of || 1))]);
  const unit = ` ${knob.unit}`.trimEnd();
  const most = Math.max(...curve.map(({ of, broken }) => broken / (of || 1)));
  const words = text("labpage.curve", { title, knob: knobName(knob.name), percent: Math.round(most * 100) });
  return html`<figure class="curve">
    <figcaption class="small">${words}</figcaption>
    <svg viewBox=${`-6 -8 ${WIDTH + 12} ${HEIGHT + 16}`} role="img" aria-label=${words}>
      ${[0, 0.5, 1].map((share) => html`<g key=${share}><path class="ground" d=${`M0 ${y(share)}H${WIDTH}`} /><text x="4" y=${y(share) - 4}>${Math.round(share * 100)} %</text></g>`)}
      <path class="line" d=${points.map(([left, top], index) => `${index ? "L" : "M"}${left} ${top}`).join("")} />
      ${curve.map(({ value, of, broken }, index) => html`<circle key=${value} cx=${points[index][0]} cy=${points[index][1]} r="4"><title>${`${say.short(value)}${unit}: ${broken}/${of}`}</title></circle>`)}
    </svg>
    <p class="ends small muted"><span>${say.short(knob.from)}${unit}</span><span>${knobName(knob.name)}</span><span>${say.short(knob.to)}${unit}</span></p>
    <details class="small"><summary>${text("labpage.as_table")}</summary><table><thead><tr><th scope="col">${knobName(knob.name)}</th><th scope="col">${text("labpage.broken_of")}</th></tr></thead>
      <tbody>${curve.map(({ value, of, broken }) => html`<tr key=${value}><td class="number">${say.short(value)}${unit}</td><td class="number">${broken}/${of}</td></tr>`)}</tbody></table></details>
  </figure>`;
}
