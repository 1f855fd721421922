// What the modules of a lesson's page draw with: `html`, the page's words, text with code in it.

import htm from "htm";
import { createElement } from "preact";
import { island, text } from "../shared/page.js";
import { pieces, wordsOf } from "./words.js";

export { text } from "../shared/page.js";

export const html = htm.bind(createElement);
export const lesson = island("lesson");
export const say = wordsOf(lesson);

const ownName = (prefix) => (name) => say.maybe(`${prefix}_${name.replace(/\W+/g, "_")}`, name);

/** What lanes, knobs, acts and states are called: as the lesson says, else as its file does. */
export const laneName = ownName("lane");
export const knobName = ownName("knob");
export const actName = ownName("act");
export const stateName = ownName("state");

/** Return a text of the lesson, its code as code. */
export const rich = (words) => pieces(words).map(({ text: part, code }) => (code ? html`<code>${part}</code>` : part));

/** Return what is said by {key, values}. */
export const said = ({ key, values }) => say(key, values);

/** Return seconds as they are written: "4.2 s". */
export const seconds = (at) => text("labpage.seconds", { s: say.seconds(at) });
