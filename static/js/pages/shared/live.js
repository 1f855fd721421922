// The page's one live connection and its badge. Owns how the page's address steers the ladder, for demonstrations:
// `?transports=sse,poll` allows only those rungs, `?retry=2000` tries a better rung every so many ms.

import { connect } from "../../envivo/index.js";
import { mountBadge } from "./badge.js";
import { visitor } from "./visitor.js";

export const RUNGS = ["ws", "sse", "poll"];

/** Return the rungs the page's address allows, best first; null when it names none. */
export function forcedRungs(query = new URLSearchParams(location.search)) {
  const asked = (query.get("transports") ?? "").split(",").map((name) => name.trim());
  const rungs = RUNGS.filter((rung) => asked.includes(rung));
  return rungs.length ? rungs : null;
}

/** Connect to `topics` from the cursor `since` as the visitor `person`; returns the live connection, shown in the badge. */
export function startLive({ topics, since, person = visitor() }) {
  const query = new URLSearchParams(location.search);
  const options = { topics, params: { ...person } };
  if (since) options.since = since;
  const rungs = forcedRungs(query);
  if (rungs) options.transports = rungs;
  const retry = Number(query.get("retry"));
  if (retry > 0) options.timing = { probeFirst: retry, probeMax: retry };
  const live = connect(options);
  mountBadge(document.getElementById("badge-slot"), live);
  return live;
}
