// A page with nothing live of its own, e.g. an error page: it shows the state of the connection all the same, to those
// who may have one.

import { startLive } from "./live.js";

const { topic } = document.getElementById("badge-slot").dataset;
if (topic) startLive({ topics: [topic] });
