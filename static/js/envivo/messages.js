/**
 * The wire's small grammar: messages, cursors, topic names and keys. This module is pure, and knows
 * what a message looks like, not what becomes of it.
 *
 * @typedef {{type: string, timestamp?: string, topic?: string, id?: string, key?: string,
 *   data?: any, [field: string]: any}} Message
 * @typedef {{epoch: string, position: number}} Cursor
 */

import { KEY_CHARACTERS, KEY_PREFIX_BYTES, TOPIC_NAME_CHARACTERS } from "./limits.js";

// Addresses lose the segments . and .. on their way (RFC 3986, 5.2.4), so that no topic has them.
const SEGMENT = String.raw`(?!\.{1,2}(?:/|$))[A-Za-z0-9_.-]+`;
const TOPIC = new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`);
/** The rule in words, for people who gave an invalid name. */
export const TOPIC_NAME_RULE = `segments of A-Z a-z 0-9 _ . - (not . or ..) joined by /, at most ${TOPIC_NAME_CHARACTERS} characters`;
const CURSOR = /^([a-z0-9]{1,32})-([0-9]{1,18})(?:\.[a-z0-9]{1,16}(?:\.[0-9a-f]{1,15}){0,100})?$/;
/** The code of an error by which the server says that it failed, by no fault of the message. */
export const INTERNAL = "internal";
/** The types of the server's own messages: a client obeys or counts them, and no event has one of these types. */
export const SERVER_TYPES = new Set([
  "connected",
  "heartbeat",
  "reset",
  "gap",
  "bye",
  "error",
  "pong",
  "PONG",
  "ack",
  "published",
  "unsubscribed",
]);

/**
 * @param {unknown} text
 * @returns {Message | null} null when it is not a message of ours (a captive portal's page, say)
 */
export function parseMessage(text) {
  if (typeof text !== "string") return null;
  try {
    const value = JSON.parse(text);
    if (!isMessage(value)) return null;
    texts.set(value, text);
    return value;
  } catch {
    return null;
  }
}

/** The JSON text of messages, as it came. @type {WeakMap<object, string>} */
const texts = new WeakMap();

/** @param {Message} message @returns {string | null} its JSON as it came; null when it came otherwise */
export function textOf(message) {
  return texts.get(message) ?? null;
}

/**
 * Remember how the messages in a list are spelled.
 *
 * @param {object[]} messages of `JSON.parse(text).messages`
 * @param {string} text `{"messages":[{…},{…}],…}`, the list first
 */
export function rememberTexts(messages, text) {
  let [depth, start, next, quoted] = [0, 0, 0, false];
  for (let i = 0; next < messages.length && i < text.length; i += 1) {
    const letter = text[i];
    if (quoted) {
      if (letter === "\\") i += 1;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "{" || letter === "[") {
      depth += 1;
      if (depth === 3) start = i;
    } else if (letter === "}" || letter === "]") {
      if (depth === 3 && isMessage(messages[next])) texts.set(messages[next], text.slice(start, i + 1));
      if (depth === 3) next += 1;
      depth -= 1;
    }
  }
}

/** @param {any} value @returns {value is Message} */
export function isMessage(value) {
  return value !== null && typeof value === "object" && typeof value.type === "string";
}

/** @param {Message} message @returns {boolean} whether it opens a connection */
export function isWelcome(message) {
  return typeof message.connection_id === "string";
}

/**
 * `<epoch>-<position>` or, in answers to polls, `<epoch>-<position>.<more>`.
 *
 * @param {unknown} id
 * @returns {Cursor | null} null when it names no place in a log (`0`, nothing, garbage)
 */
export function parseCursor(id) {
  const parts = typeof id === "string" ? CURSOR.exec(id) : null;
  return parts && { epoch: parts[1], position: Number(parts[2]) };
}

/**
 * @param {string} id any cursor
 * @returns {string} the same place in the form every transport takes: without a poll's `.<more>`
 */
export function plainCursor(id) {
  const parts = CURSOR.exec(id);
  return parts ? `${parts[1]}-${parts[2].replace(/^0+(?=.)/, "")}` : id;
}

/**
 * @param {Cursor | null | undefined} a
 * @param {Cursor | null | undefined} b
 * @returns {boolean} whether `a` is past `b` in one log, whose epochs follow each other from one start
 *   of the server to the next while the positions go on. Another log is met after a `reset` only.
 */
export function isPast(a, b) {
  if (!a) return false;
  return !b || a.position > b.position;
}

/**
 * @param {unknown} topic
 * @returns {string}
 * @throws {TypeError} when it cannot be the name of a topic
 */
export function checkTopic(topic) {
  if (typeof topic !== "string" || topic.length > TOPIC_NAME_CHARACTERS || !TOPIC.test(topic)) {
    throw new TypeError(`not a topic name: ${JSON.stringify(topic)} (a name is ${TOPIC_NAME_RULE})`);
  }
  return topic;
}

/**
 * @param {unknown} key
 * @returns {string}
 * @throws {TypeError} when the server would not take it as a key
 */
export function checkKey(key) {
  if (typeof key !== "string" || key === "" || key.length > KEY_CHARACTERS) {
    throw new TypeError(`a key is a string of 1 to ${KEY_CHARACTERS} characters`);
  }
  return key;
}

/** Unique keys of one client, recognisable as its own. */
export class Keys {
  #prefix;
  #count = 0;

  constructor() {
    // randomUUID is missing on a page over plain http, as in a classroom.
    const bytes = crypto.getRandomValues(new Uint8Array(KEY_PREFIX_BYTES));
    this.#prefix = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** @returns {string} */
  next() {
    this.#count += 1;
    return `${this.#prefix}-${this.#count}`;
  }

  /** @param {unknown} key @returns {boolean} */
  owns(key) {
    return typeof key === "string" && key.startsWith(this.#prefix);
  }
}
