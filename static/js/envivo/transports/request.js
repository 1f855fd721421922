/**
 * One HTTP request with a deadline and a way to call it off, whose every ending is a `LinkEnding`.
 */

import { endingOfAnswer, failed } from "../endings.js";
import { rememberTexts } from "../messages.js";

/**
 * @template T
 * @param {string} address
 * @param {RequestInit} options
 * @param {{signal: AbortSignal, timeout: number}} limits `signal` calls it off; timeout in ms
 * @param {(response: Response) => T | Promise<T>} read what to make of a success
 * @returns {Promise<{body: T, end: null} | {body: null, end: import("../endings.js").LinkEnding}>}
 */
export async function request(address, options, { signal, timeout }, read) {
  // AbortSignal.any and .timeout would be shorter, but exist in browsers of 2024 and later only.
  const limit = new AbortController();
  const giveUp = () => limit.abort();
  const timer = setTimeout(giveUp, timeout);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    const response = await fetch(address, { cache: "no-store", ...options, signal: limit.signal });
    if (!response.ok) return { body: null, end: await endingOfAnswer(response, Date.now()) };
    return { body: await read(response), end: null };
  } catch (error) {
    const seen = limit.signal.aborted ? `no answer within ${timeout} ms` : String(error);
    return { body: null, end: failed(seen) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    limit.abort();
  }
}

/**
 * @param {Response} response
 * @returns {Promise<{messages: object[], id?: string}>}
 * @throws {TypeError} when it is no list of messages
 */
export async function readMessages(response) {
  const text = await response.text();
  const body = JSON.parse(text);
  if (!Array.isArray(body?.messages)) throw new TypeError("something that is not our server answers");
  rememberTexts(body.messages, text);
  return body;
}
