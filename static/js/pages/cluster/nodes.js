// The cards of the nodes: what each is doing, what it says of itself, and the buttons.

import { html, number } from "./words.js";
import { text } from "../shared/page.js";

const PROCESS = ["kill", "stop", "continue", "restart", "start"];
const LINES = ["cut-redis", "cut-postgres", "heal"];
const DANGEROUS = new Set(["kill"]);

export function Nodes({ nodes, may, act }) {
  return nodes.map((node) => html`<${Node} key=${node.number} node=${node} may=${may(node)} act=${act} />`);
}

function Node({ node, may, act }) {
  const { number: n, said } = node;
  const state = node.state === "running" && !node.answers ? "silent" : node.state;
  const health = said.health ?? {};
  const figures = ["connections", "position", "lag", "peers"];
  return html`<article class="card node" data-node=${n} data-state=${state} aria-labelledby=${`node-${n}`}>
    <header>
      <h3 id=${`node-${n}`}>${text("cluster.node", { n })}</h3>
      <p class="states">
        <span class=${`pill state-${state}`}>${text(`cluster.state_${state}`)}</span>
        ${node.cut.map((kind) => html` <span class="pill state-cut" key=${kind}>${text(`cluster.cut_${kind}`)}</span>`)}
      </p>
    </header>
    <dl class="figures">
      ${figures.map((name) => html`<div key=${name}><dt>${text(`cluster.${name}`)}</dt><dd class="number" data-figure=${name}>${number(said[name])}</dd></div>`)}
      ${["backplane", "database"].map((part) => html`<div key=${part}><dt>${text(`cluster.${part}`)}</dt><dd>${how(health[part])}</dd></div>`)}
    </dl>
    <${Buttons} name="process" actions=${PROCESS} n=${n} may=${may} act=${(action) => act(node, action)} />
    <${Buttons} name="lines" actions=${LINES} n=${n} may=${may} act=${(action) => act(node, action)} />
  </article>`;
}

function how(said) {
  if (said === undefined) return "–";
  const well = said === "up" || said === "ok";
  return html`<span class=${well ? "good" : "bad"} title=${said}>${text(well ? "cluster.up" : "cluster.away")}</span>`;
}

// A button that may not be pressed now keeps the focus, so that the keyboard is not thrown back to the top.
function Buttons({ name, actions, n, may, act }) {
  return html`<div class="doing" role="group" aria-label=${text("cluster.at_node", { what: text(`cluster.${name}`), n })}>
    ${actions.map((action) => {
      const allowed = may.includes(action);
      const words = text(`cluster.do_${action}`);
      return html`<button key=${action} type="button" class=${`button${DANGEROUS.has(action) ? " danger" : ""}`} data-action=${action}
        aria-label=${text("cluster.at_node", { what: words, n })} aria-disabled=${String(!allowed)} onClick=${() => allowed && act(action)}>${words}</button>`;
    })}
  </div>`;
}
