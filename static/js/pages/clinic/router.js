// Which view of the clinic is shown, as the address says: /clinic/<view>?day=…, /clinic/<view>?pet=…
// Following a link of the page changes the view without leaving it; the connection stays.

import { effect, signal } from "@preact/signals";
import { dayIn } from "./time.js";
import { today } from "./words.js";
import { center, text } from "../shared/page.js";

export const VIEWS = ["calendar", "owners", "invoices", "practice", "activity"];
const KEPT = ["user_id", "username", "token", "transports", "retry"]; // what says who looks, and over which way

function read() {
  const [, , name] = location.pathname.split("/");
  const query = new URLSearchParams(location.search);
  return {
    view: VIEWS.includes(name) ? name : VIEWS[0],
    day: dayIn(query.get("day"), today()),
    pet: Number(query.get("pet")) || null,
  };
}

/** Signal of {view, day, pet}. */
export const place = signal(read());

/** Return the address of a `view` with its `query`; what the address says of the visitor stays. */
export function addressOf(view, query = {}) {
  const kept = new URLSearchParams(location.search);
  const next = new URLSearchParams(KEPT.filter((name) => kept.has(name)).map((name) => [name, kept.get(name)]));
  for (const [name, value] of Object.entries(query)) next.set(name, value);
  const words = next.toString();
  return `/clinic/${view}${words && `?${words}`}`;
}

/** Show which view this is in the links of the views, in the title and in the switch of languages. */
function announce() {
  const { view } = place.value;
  for (const link of document.querySelectorAll("[data-view]")) {
    link.href = addressOf(link.dataset.view);
    if (link.dataset.view !== view) {
      link.removeAttribute("aria-current");
      continue;
    }
    link.setAttribute("aria-current", "page");
    center(link);
  }
  document.title = `${text(`clinic.view_${view}`)} · ${text("clinic.title")} · En Vivo`;
  document.querySelector(".switch [name=next]").value = location.pathname + location.search;
}

/** Follow the links inside `root` that stay on the page. */
export function mountRouter(root) {
  effect(announce);
  addEventListener("popstate", () => (place.value = read()));
  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-stay]");
    if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const { view } = place.value;
    if (link.href !== location.href) history.pushState(null, "", link.href);
    place.value = read();
    if (place.value.view !== view) scrollTo(0, 0);
  });
}
