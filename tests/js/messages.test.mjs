// The grammar of the wire, and what endings mean.
import assert from "node:assert/strict";
import { test } from "node:test";

import { endingOfAnswer, parseRetryAfter } from "../../static/js/envivo/endings.js";
import {
  Keys,
  checkTopic,
  isPast,
  parseCursor,
  parseMessage,
  plainCursor,
  rememberTexts,
  textOf,
} from "../../static/js/envivo/messages.js";
import { streamAddress } from "../../static/js/envivo/transports/address.js";

test("only objects with a type are messages", () => {
  assert.deepEqual(parseMessage('{"type":"pong"}'), { type: "pong" });
  for (const text of ["<html>", "null", "[]", '"type"', '{"kind":1}', new Blob([])]) {
    assert.equal(parseMessage(text), null);
  }
});

test("how a message was spelled is known, alone and in a list", () => {
  const spelled = ['{"type":"a","data":{"x":[1.0,{"y":"]}\\"["}]}}', '{"type":"b", "data":"ñ\\\\"}'];
  for (const text of spelled) assert.equal(textOf(parseMessage(text)), text);
  const answer = `{"messages":[${spelled.join(",")}],"id":"e-1"}`;
  const { messages } = JSON.parse(answer);
  rememberTexts(messages, answer);
  assert.deepEqual(messages.map(textOf), spelled);
  assert.equal(textOf({ type: "a" }), null);
  rememberTexts([], '{"messages":[],"id":"e-1"}');
});

test("a cursor is an epoch and a position, whatever a poll adds", () => {
  assert.deepEqual(parseCursor("e1-42"), { epoch: "e1", position: 42 });
  assert.deepEqual(parseCursor("e1-42.r7.3"), { epoch: "e1", position: 42 });
  assert.equal(plainCursor("e1-42.r7.3"), "e1-42");
  for (const id of ["0", "", "e1-x", null, undefined, 7]) assert.equal(parseCursor(id), null);
});

test("positions are ordered as numbers, whichever start of the server wrote them", () => {
  assert.equal(isPast(parseCursor("e-10"), parseCursor("e-9")), true);
  assert.equal(isPast(parseCursor("e-9"), parseCursor("e-9")), false);
  assert.equal(isPast(parseCursor("f-10"), parseCursor("e-9")), true);
  assert.equal(isPast(parseCursor("e-9"), parseCursor("f-10")), false);
  assert.equal(isPast(parseCursor("e-1"), undefined), true);
});

test("topic names are checked before they become part of an address", () => {
  for (const topic of ["alerts", "rooms/1", "accounts/135.05-A_b"]) assert.equal(checkTopic(topic), topic);
  for (const topic of ["", "/a", "a//b", "a b", "a?b", "ñ", "a".repeat(129), null]) {
    assert.throws(() => checkTopic(topic), TypeError);
  }
});

test("keys are unique and known as ours", () => {
  const keys = new Keys();
  const [first, second] = [keys.next(), keys.next()];
  assert.notEqual(first, second);
  assert.equal(keys.owns(second), true);
  assert.equal(new Keys().owns(first), false);
  assert.equal(keys.owns(undefined), false);
});

function answer(status, body, headers) {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
}

test("our server's refusal stops, with the code a WebSocket would have been closed with", async () => {
  const body = { success: false, error: { code: "unauthorized", message: "who are you?" } };
  const end = await endingOfAnswer(answer(401, body), 0);
  assert.equal(end.kind, "stop");
  assert.equal(end.code, 4401);
  assert.equal(end.error.code, "unauthorized");
});

test("a proxy's refusal is only a reason to try another rung", async () => {
  for (const status of [400, 403, 404, 502]) {
    assert.equal((await endingOfAnswer(answer(status, "<html>no</html>"), 0)).kind, "failed");
  }
});

test("a busy server says when to come back", async () => {
  const body = { success: false, error: { code: "going_away", message: "restart" } };
  const end = await endingOfAnswer(answer(503, body, { "Retry-After": "2" }), 0);
  assert.equal(end.kind, "later");
  assert.equal(end.retryAfter, 2000);
});

test("Retry-After is seconds or a date", () => {
  assert.equal(parseRetryAfter("3", 0), 3000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 1970 00:00:10 GMT", 4000), 6000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 1970 00:00:10 GMT", 60_000), 0);
  assert.equal(parseRetryAfter("soon", 0), null);
  assert.equal(parseRetryAfter(null, 0), null);
});

test("one topic has its own address, several share one", () => {
  const request = { base: "https://host/app", fresh: [], since: null, params: { user_id: 7, token: null } };
  assert.equal(streamAddress("ws", request, ["rooms/1"]), "wss://host/app/ws/rooms/1?user_id=7");
  const address = new URL(
    streamAddress("sse", { ...request, since: "e-5", fresh: ["b"], params: {} }, ["rooms/1", "b"]),
  );
  assert.equal(address.pathname, "/app/sse");
  assert.deepEqual(address.searchParams.getAll("topic"), ["rooms/1", "b"]);
  assert.equal(address.searchParams.get("since"), "e-5");
  assert.deepEqual(address.searchParams.getAll("fresh"), ["b"]);
});
