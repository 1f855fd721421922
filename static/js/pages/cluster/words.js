// How numbers, times and names are written on the page of a cluster, and the `html` that its modules draw with.

import htm from "htm";
import { createElement } from "preact";
import { language, text } from "../shared/page.js";

export const html = htm.bind(createElement);

const NUMBER = new Intl.NumberFormat(language);
const TENTHS = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const number = (value) => (value === undefined || value === null ? "–" : NUMBER.format(value));
export const tenths = (value) => TENTHS.format(value);
export const lasting = (seconds) => text("cluster.seconds", { n: tenths(seconds) });
