// The functions of one's own that have to do with this topic, and what goes wrong in them, as the server tells it.

import { render } from "preact";
import { html } from "./json.js";
import { text } from "../shared/page.js";

const roles = () => ({ feed: text("topic.role_feed"), on: text("topic.role_on"), command: text("topic.role_command") });

/** Draw the functions of `topic` in `place`; `live` follows the topic `functions`. */
export function mountFunctions(place, live, topic) {
  live.on("functions", ({ topic: from, data }) => {
    if (from !== "functions") return;
    const here = data.functions.filter((one) => one.topic === topic);
    render(here.length || data.error ? html`<${Panel} file=${data.file} error=${data.error} functions=${here} />` : null, place);
  });
}

function Panel({ file, error, functions }) {
  return html`<section class="card functions" aria-labelledby="functions-title">
    <h2 id="functions-title">${text("topic.functions")}</h2>
    ${error && html`<div class="notice bad" role="alert">${text("topic.file_failed")} <code lang="en">${error}</code></div>`}
    <ul>
      ${functions.map(
        (one) => html`<li key=${`${one.role} ${one.name}`} data-function=${one.name}>
          <code>${one.name}</code> ${roles()[one.role]} <span class="small muted">${text("topic.line", { file, n: one.line })}</span>
          ${one.node && html`<span class="small muted">${text("topic.runs_on", { node: one.node })}</span>`}
          ${one.error && html`<p class="notice bad" role="alert">${text("topic.failed")} <code lang="en">${one.error}</code></p>`}
        </li>`,
      )}
    </ul>
  </section>`;
}
