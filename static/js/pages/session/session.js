// The page of the session: until when it lasts, by the clock of whoever reads it.

import "../shared/plain.js";
import { language } from "../shared/page.js";

const CLOCK = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });

for (const shown of document.querySelectorAll("time")) shown.textContent = CLOCK.format(new Date(shown.dateTime));
