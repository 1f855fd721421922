// The snippets: one at a time behind tabs (WAI-ARIA authoring practices, "Tabs"), each with a button that copies it.
// Owns their markup; without this module they stand one below the other.

import { copy } from "../shared/copy.js";
import { text } from "../shared/page.js";

const TOLD_MS = 1800;

/** Make the snippets in `root` a set of tabs; returns `fill(topic)`, which puts a topic into all of them. */
export function mountSnippets(root) {
  const panels = [...root.querySelectorAll("[data-snippet]")];
  const list = root.querySelector("[data-tabs]");
  const tabs = panels.map((panel) => makeTab(panel, () => select(panel)));

  function select(chosen, focus = false) {
    panels.forEach((panel, i) => {
      const current = panel === chosen;
      panel.hidden = !current;
      tabs[i].setAttribute("aria-selected", String(current));
      tabs[i].tabIndex = current ? 0 : -1;
      if (current && focus) tabs[i].focus();
    });
  }

  list.setAttribute("role", "tablist");
  list.append(...tabs);
  list.hidden = false;
  list.addEventListener("keydown", (event) => {
    const next = neighbour(tabs.indexOf(document.activeElement), event.key, tabs.length);
    if (next === null) return;
    event.preventDefault();
    select(panels[next], true);
  });
  for (const panel of panels) mountCopy(panel);
  select(panels.find((panel) => `#${panel.id}` === location.hash) ?? panels[0]);

  return (topic) => {
    for (const code of root.querySelectorAll("[data-template]")) {
      code.textContent = code.dataset.template.replaceAll("{TOPIC}", topic);
    }
  };
}

function makeTab(panel, onClick) {
  const tab = document.createElement("button");
  tab.type = "button";
  tab.id = `tab-${panel.dataset.snippet}`;
  tab.textContent = panel.dataset.title;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", panel.id);
  tab.addEventListener("click", onClick);
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  return tab;
}

function neighbour(index, key, count) {
  const steps = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: -1 };
  return key in steps ? (steps[key] + count) % count : null;
}

function mountCopy(panel) {
  const button = panel.querySelector("[data-copy]");
  const word = button.querySelector("span");
  const said = document.getElementById("said");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = panel.querySelector("code");
    const done = await copy(code);
    said.textContent = text(done ? "connect.copied" : "connect.copy_failed");
    word.textContent = said.textContent;
    setTimeout(() => {
      word.textContent = text("connect.copy");
      said.textContent = "";
    }, TOLD_MS);
  });
}
