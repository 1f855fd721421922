// The page of all topics: the list, which keeps itself up to date, and the way to one of one's own.

import { Topics } from "../admin/topics.js";
import { startLive } from "../shared/live.js";
import { text } from "../shared/page.js";

const EVERY_MS = 3000;
const NAME = /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/;
const LONGEST = 128;

const place = document.getElementById("topics");
const list = new Topics(place);
place.replaceChildren();
if (place.dataset.live) startLive({ topics: [place.dataset.live] });  // one that the visitor may follow, for the badge
list.refresh();
setInterval(() => document.hidden || list.refresh(), EVERY_MS);

const form = document.getElementById("visit");
const wrong = document.getElementById("visit-wrong");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = form.elements.name;
  const name = field.value.trim();
  const fits = NAME.test(name) && name.length <= LONGEST;
  field.setAttribute("aria-invalid", String(!fits));
  wrong.textContent = fits ? "" : text("topics.name_wrong");
  if (fits) location.assign(`/topics/${name}`);
  else field.focus();
});
