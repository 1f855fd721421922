// The picture of a run: lanes over time, what went between them, what became of it. All of it is drawn once; time is a
// curtain that opens from left to right (`follow`). Owns the SVG, and not what it means (trace.js) nor where it lies (layout.js).

import { jagged, thinned, ticks } from "./layout.js";
import { shortName } from "./words.js";
import { html, say, stateName, text } from "./view.js";

const LABELLED = new Set(["commit", "twice", "known", "recv", "show", "refuse", "lose"]);
const AHEAD = 6; // px, so that what is exactly at the present is seen whole
const BAD = new Set(["twice", "lose"]);
const RUNGS = { ws: "WS", sse: "SSE", poll: "poll", none: "–" };
const SKULL = "M-6 -1a6 6 0 1 1 12 0c0 2-1 3-2 4v3h-8v-3c-1-1-2-2-2-4z";

/** The picture of one strategy. `focus` are the numbers of the events that are looked at, null for all. */
export function Picture({ id, drawn, scale, slow, focus, words, hasNumbers }) {
  const part = { scale, isDim: (thing) => focus !== null && !thing.numbers.some((n) => focus.has(n)) };
  return html`<svg class="picture" width=${scale.width} height=${scale.foot + (hasNumbers ? 18 : 5)} role="img" aria-label=${words} data-picture=${id}>
    <defs>
      <clipPath id=${`seen-${id}`}><rect class="curtain" x=${scale.left} y="0" width="0" height=${scale.height} /></clipPath>
      <clipPath id=${`frame-${id}`}><rect x=${scale.left - 7} y="0" width=${scale.width - scale.left + 7} height=${scale.height} /></clipPath>
      <pattern id=${`hatch-${id}`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V6" class="hatch" /></pattern>
    </defs>
    ${scale.lanes.map((y, lane) => html`<text key=${lane} class="lane-name" x=${scale.left - 10} y=${y + 4}>${scale.names[lane]}</text>`)}
    <g clip-path=${`url(#frame-${id})`}><g class="film">
      ${axis(scale, slow, hasNumbers)}
      ${scale.lanes.map((y, lane) => html`<path key=${lane} class="lane" d=${`M${scale.left - 6} ${y}H${scale.x(scale.lasts)}`} />`)}
      <g clip-path=${`url(#seen-${id})`}>
        ${drawn.troubles.map((one, index) => trouble(one, part, id, index % 2))}
        ${drawn.bands.map((one) => band(one, part))}
        ${drawn.fates.map((one) => fate(one, part, id))}
        ${drawn.leases.map((one) => lease(one, part))}
        ${drawn.arrows.map((one) => arrow(one, part))}
        ${drawn.marks.map((one) => mark(one, part))}
        ${labels(drawn, part)}
      </g>
      <path class="now" d=${`M0 8V${scale.foot}`} />
    </g></g>
  </svg>`;
}

/** Open the curtain of a picture up to the time `at`, with the film `shift` px to the left. */
export function follow(svg, scale, at, shift) {
  const x = scale.x(at);
  svg.querySelector(".curtain").setAttribute("width", Math.max(0, x - scale.left + AHEAD));
  svg.querySelector(".now").setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
  svg.querySelector(".film").setAttribute("transform", `translate(${(-shift).toFixed(1)} 0)`);
}

function axis(scale, slow, hasNumbers) {
  const { foot, x } = scale;
  return html`<g class="axis" aria-hidden="true">
    <path class="axis-line" d=${`M${scale.left} ${foot}H${x(scale.lasts)}`} />
    ${slow.map(([from, to]) => html`<path key=${from} class="axis-slow" d=${`M${x(from)} ${foot}H${x(to)}`}><title>${text("labpage.slow")}</title></path>`)}
    ${hasNumbers && ticks(scale).map((at) => html`<text key=${at} x=${x(at)} y=${foot + 13}>${at ? at : text("labpage.seconds", { s: 0 })}</text>`)}
  </g>`;
}

const group = (thing, { isDim }, kind, inside) => html`<g key=${`${kind}${thing.n}-${thing.to}`} class=${`${kind}${isDim(thing) ? " dim" : ""}`} data-n=${thing.n}>${inside}</g>`;

function arrow(one, part) {
  const { x, lanes } = part.scale;
  const [from, to] = [lanes[one.lane], lanes[one.to]];
  const y = one.isLost ? from + (to - from) * one.way : to;
  const kind = `arrow ${one.kind}${one.isLost ? " lost" : ""}`;
  const [x1, x2] = [x(one.at), x(one.end)];
  return group(one, part, kind, html`<path d=${`M${x1} ${from}L${x2} ${y}`} />${one.isLost && html`<path class="cross" d=${`M${x2 - 5} ${y - 5}l10 10m0 -10l-10 10`} />`}`);
}

function mark(one, part) {
  const [x, y] = [part.scale.x(one.at), part.scale.lanes[one.lane]];
  const shapes = {
    commit: html`<circle cx=${x} cy=${y} r="5.5" />`,
    twice: html`<circle cx=${x} cy=${y} r="8.5" /><circle cx=${x} cy=${y} r="4" />`,
    known: html`<circle cx=${x} cy=${y} r="5" />`,
    recv: html`<path d=${`M${x - 4.5} ${y}l4.5 -5l4.5 5l-4.5 5z`} />`,
    show: html`<path d=${`M${x - 4} ${y - 4}h8v8h-8z`} />`,
    refuse: html`<circle cx=${x} cy=${y} r="6" /><path d=${`M${x - 4} ${y}h8`} />`,
    lose: html`<path d=${`M${x - 5} ${y - 5}l10 10m0 -10l-10 10`} />`,
    take: html`<path d=${`M${x} ${y - 6}V${y}`} />`,
    expire: html`<path d=${`M${x} ${y - 9}v18`} />`,
    say: html`<path d=${`M${x - 5} ${y - 16}h10v7h-5l-3 4v-4h-2z`} /><title>${one.text}</title>`,
    skew: html`<circle cx=${x} cy=${y} r="7" /><path d=${`M${x} ${y - 4}v4h4`} />`,
  };
  return group(one, part, `mark ${one.kind}`, shapes[one.kind]);
}

function trouble(one, part, id, row) {
  const { x, lanes, lasts } = part.scale;
  const [top, bottom] = one.road.map((lane) => lanes[lane]).sort((a, b) => a - b);
  const ends = one.to ?? (one.kind === "cut" ? one.at : lasts);
  const area = ends > one.at && html`<rect x=${x(one.at)} y=${top + 2} width=${x(ends) - x(one.at)} height=${bottom - top - 4} fill=${`url(#hatch-${id})`} />`;
  const words = [text(`labpage.trouble_${one.kind}`), ...one.kinds].join(" ");
  return group(one, part, `trouble ${one.kind}`, html`${area}${one.kind === "cut" ? html`<path d=${jagged(x(one.at), top, bottom)} />` : html`<text x=${x(one.at) + 3} y=${(top + bottom) / 2 - 3 + 14 * row}>${x(ends) - x(one.at) > words.length * 6 ? words : ""}</text>`}<title>${words}</title>`);
}

function fate(one, part, id) {
  const [from, to, y] = [part.scale.x(one.at), part.scale.x(one.to), part.scale.lanes[one.lane]];
  const body = html`<rect x=${from} y=${y - 9} width=${Math.max(1, to - from)} height="18" fill=${one.kind === "down" ? undefined : `url(#hatch-${id})`} />`;
  const skull = one.isCrash && html`<g transform=${`translate(${from + 8} ${y})`}><path class="skull" d=${SKULL} /><path class="eyes" d="M-3 -2h2v2h-2zM1 -2h2v2h-2z" /></g>`;
  return group(one, part, `fate ${one.kind}`, html`${body}${skull}<title>${text(`labpage.fate_${one.kind}`)}</title>`);
}

function band(one, part) {
  const [from, to, y] = [part.scale.x(one.at), part.scale.x(one.to), part.scale.lanes[one.lane]];
  const words = RUNGS[one.rung] ?? one.rung;
  return group(one, part, `band rung-${one.rung}`, html`<rect x=${from} y=${y - 4} width=${Math.max(0, to - from)} height="8" /><text x=${from + 3} y=${y + 17}>${to - from > words.length * 7 ? words : ""}</text>`);
}

function lease(one, part) {
  const [from, to, y] = [part.scale.x(one.at), part.scale.x(one.to), part.scale.lanes[one.lane]];
  return group(one, part, "lease", html`<rect x=${from} y=${y + 5} width=${Math.max(2, to - from)} height="12" rx="3" /><text x=${from + 4} y=${y + 14.5}>${one.token}</text>`);
}

function labels({ arrows, marks, states, troubles }, { scale, isDim }) {
  const last = scale.lanes.length - 1;
  const place = (thing, text, kind, weight) => {
    const y = scale.lanes[thing.lane] + (thing.lane === last && last > 0 ? 24 : -12);
    return { x: scale.x(thing.at), y, text, kind, weight: weight + (isDim(thing) ? -10 : 0), isDim: isDim(thing), n: thing.n };
  };
  const sends = new Map(arrows.filter(({ kind, msg }) => kind === "send" && msg).map((one) => [one.n, one]));
  const found = [
    ...[...sends.values()].map((one) => place(one, shortName(one.msg), one.isLost ? "bad" : "", one.isLost ? 4 : 2)),
    ...marks.filter(({ kind, msg }) => LABELLED.has(kind) && msg).map((one) => place(one, `${shortName(one.msg)}${one.kind === "twice" ? ` ×${one.times}` : ""}`, BAD.has(one.kind) ? "bad" : "", BAD.has(one.kind) ? 5 : 1)),
    ...marks.filter(({ kind }) => kind === "skew").map((one) => place(one, `${one.by > 0 ? "+" : ""}${say.short(one.by)} s`, "", 3)),
    ...states.filter(({ text }) => text).map((one) => place(one, stateName(one.text), "state", 1)),
  ];
  return thinned(found, scale.left - 4).map(({ x, y, text, kind, isDim: dim, n, more }) =>
    html`<text key=${`${n} ${y}`} class=${`label ${kind}${dim ? " dim" : ""}`} x=${x} y=${y}>${text}${more > 1 && html`<title>+${more}</title>`}</text>`);
}
