// A page with nothing live of its own, e.g. an error page: it shows the state of the connection all the same.

import { startLive } from "./live.js";

startLive({ topics: ["live/hola"] });
