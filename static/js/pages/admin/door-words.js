// The words for what is wrong with a door, in the language of the page where it has some, else those of the server.

import { text } from "../shared/page.js";

const WORDED = new Set(["door_exists", "port_taken", "port_reserved", "no_such_address", "door_not_found", "own_door", "going_away"]);

/** Return why something was refused, in the words of this page where it has some. */
export const why = ({ code, message }) => (WORDED.has(code) ? text(`admin.door_why_${code}`) : message);

/** Return `error` with what is wrong, by the name of the field, in the words of this page. */
export function inWords(error) {
  const fields = {};
  for (const name of Object.keys(error.fields ?? {})) {
    const field = name.replace(/\[.*/, "");
    fields[field] = WORDED.has(error.code) ? why(error) : text(`admin.door_wrong_${field}`);
  }
  return Object.assign(new Error(why(error)), { fields });
}
