// Node's `ws` without compression: a broadcast is one prebuilt Buffer, sent to each socket. Event streams are Node's own.
import { readFileSync } from "node:fs";
import http from "node:http";
import { WebSocketServer, WebSocket } from "ws";

const CONNECTED = '{"type":"connected"}';
const THRESHOLDS = JSON.parse(readFileSync(new URL("thresholds.json", import.meta.url), "utf-8"));
const sockets = new Map();
const streams = new Map();

function followers(of, topic) {
  if (!of.has(topic)) of.set(topic, new Set());
  return of.get(topic);
}

function broadcast(topic, { type, data }) {
  const text = JSON.stringify({ type, topic, data });
  const frame = Buffer.from(text);
  for (const socket of followers(sockets, topic)) {
    if (socket.readyState === WebSocket.OPEN) socket.send(frame, { binary: false });
  }
  const block = Buffer.from(`data: ${text}\n\n`);
  for (const stream of followers(streams, topic)) stream.write(block);
}

function publish(request, response) {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(parts));
    for (const message of Array.isArray(body) ? body : [body]) broadcast(message.topic, message);
    response.writeHead(202, { "Content-Length": 2 }).end("{}");
  });
}

function stream(topic, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream" }).write(`data: ${CONNECTED}\n\n`);
  followers(streams, topic).add(response);
  response.on("close", () => followers(streams, topic).delete(response));
}

function small(response) {
  const body = Buffer.from(JSON.stringify({ success: true, data: THRESHOLDS }));
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
}

const topicOf = (path) => path.split("?")[0].split("/").slice(2).join("/");

const server = http.createServer((request, response) => {
  if (request.method === "POST") publish(request, response);
  else if (request.url === "/api/thresholds") small(response);
  else stream(topicOf(request.url), response);
});
const accepted = new WebSocketServer({ server, perMessageDeflate: false });
accepted.on("connection", (socket, request) => {
  const topic = topicOf(request.url);
  socket.on("message", (data) => broadcast(topic, JSON.parse(data)));
  socket.on("close", () => followers(sockets, topic).delete(socket));
  socket.send(CONNECTED);
  followers(sockets, topic).add(socket);
});
server.keepAliveTimeout = 0;
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
process.on("SIGTERM", () => process.exit(0));
