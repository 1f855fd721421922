// The lesson's own words: its texts with their places filled as the language writes them. It knows no page and no lesson.

/** Return what says the texts of a lesson: `say(key, values)`, `say.maybe(key, otherwise)`, `say.number(value)`, `say.seconds(value)`. */
export function wordsOf({ texts, language }) {
  const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });
  const short = new Intl.NumberFormat(language, { maximumFractionDigits: 2, useGrouping: false });
  const written = (value) => {
    if (Array.isArray(value)) return value.map(written).join(", ") || texts.none;
    return typeof value === "number" && !Number.isInteger(value) ? tenths.format(value) : String(value);
  };
  const fill = (found, values) =>
    found.replace(/\{\{|\}\}|\{(\w+)\}/g, (place, name) => (name === undefined ? place[0] : name in values ? written(values[name]) : place));
  const say = (key, values = {}) => {
    if (!(key in texts)) throw new Error(`the lesson has no text ${key}`);
    return fill(texts[key], values);
  };
  say.maybe = (key, otherwise, values = {}) => (key in texts ? say(key, values) : otherwise);
  say.number = written;
  say.short = (value) => short.format(value);
  say.seconds = (value) => tenths.format(value);
  return say;
}

/** Return the pieces of a text, of which those between `backticks` are code: [{ text, code }]. */
export function pieces(text) {
  return text.split("`").map((part, index) => ({ text: part, code: index % 2 === 1 })).filter((piece) => piece.text);
}

/** Return the short name of a message: "p4" → "4". What does not end in a number keeps its name. */
export function shortName(name) {
  return /^[a-z_]+\d+$/.test(name) ? name.replace(/^[a-z_]+/, "") : name;
}

/** Return the lines of `code` that are not in `before`, by their index: what one strategy does otherwise than another; comments do nothing. */
export function newLines(code, before) {
  const bare = (line) => line.replace(/#.*/, "").trim();
  const known = new Set(before.split("\n").map(bare));
  const isTold = (line) => line && !known.has(line) && !/^(async )?def |^"""/.test(line);
  return code.split("\n").flatMap((line, index) => (isTold(bare(line)) ? [index] : []));
}
