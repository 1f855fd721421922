// The search of the guide: what the server finds is shown below the field while one types, and the arrows walk through it.
// Without this module the field's form shows the same on a page.

import { text } from "../shared/page.js";

const PAUSE_MS = 90;

/** Make the field in `root` answer while one types. */
export function mountSearch(root) {
  const field = root.querySelector("input");
  const found = root.querySelector("[data-found]");
  const said = root.querySelector("[data-said]");
  let waiting;
  let asked = new AbortController();

  const hide = () => {
    found.hidden = true;
    asked.abort();
  };

  async function ask() {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    const query = field.value.trim();
    if (!query) return hide();
    try {
      const answer = await fetch(`/guide/search?q=${encodeURIComponent(query)}`, { signal });
      if (!answer.ok) throw new Error(answer.statusText);
      const html = await answer.text();
      if (signal.aborted) return;
      found.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
      said.textContent = found.querySelector("[data-count]").textContent;
    } catch {
      if (signal.aborted) return;
      said.textContent = text("guide.search_failed");
      found.textContent = said.textContent;
    }
    found.hidden = false;
  }

  function walk(event) {
    const stops = [field, ...found.querySelectorAll("a")];
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "Escape" && !found.hidden) {
      field.focus();
      hide();
    } else if (event.key in steps && !found.hidden) {
      const next = stops.indexOf(document.activeElement) + steps[event.key];
      stops[(next + stops.length) % stops.length].focus();
    } else {
      return;
    }
    event.preventDefault();
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE_MS);
  });
  field.addEventListener("focus", () => field.value.trim() && found.childElementCount && (found.hidden = false));
  root.addEventListener("keydown", walk);
  found.addEventListener("click", hide); // a result may be on this very page
  document.addEventListener("pointerdown", (event) => !root.contains(event.target) && hide());
}
