/**
 * The addresses by which each transport finds the server. This file owns those of the wire contract and nothing else.
 *
 * @typedef {object} StreamRequest what a connection is asked for
 * @property {string} base address of the server, with a path prefix if it lives under one
 * @property {string[]} topics
 * @property {string[]} fresh those of `topics` that `since` does not apply to
 * @property {string | null} since cursor
 * @property {Record<string, string | number>} params identity: `user_id`, `username`, `token`
 */

/**
 * @param {"ws" | "sse" | "poll"} kind
 * @param {StreamRequest} request
 * @param {string[]} topics one gets the topic's own address, several a list
 * @param {Record<string, string | number>} [extra] further query parameters
 * @returns {string}
 */
export function streamAddress(kind, request, topics, extra = {}) {
  const url = addressOf(request, topics.length === 1 ? `${kind}/${topics[0]}` : kind);
  if (topics.length > 1) for (const topic of topics) url.searchParams.append("topic", topic);
  if (request.since !== null) url.searchParams.set("since", request.since);
  for (const topic of request.fresh) {
    if (topics.includes(topic)) url.searchParams.append("fresh", topic);
  }
  for (const [name, value] of Object.entries(extra)) url.searchParams.set(name, String(value));
  if (kind === "ws") url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** @param {StreamRequest} request @param {string} topic @returns {string} */
export function sendAddress(request, topic) {
  return addressOf(request, `send/${topic}`).href;
}

/** @param {StreamRequest} request @param {string} path @returns {URL} with the identity in it */
function addressOf(request, path) {
  const base = request.base.endsWith("/") ? request.base : `${request.base}/`;
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(request.params)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}
