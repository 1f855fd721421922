// Socket.IO over WebSocket alone and without compression: a topic is a room, a broadcast is `io.to(room).emit`.
import http from "node:http";
import { Server } from "socket.io";

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(parts));
    for (const { topic, type, data } of Array.isArray(body) ? body : [body]) io.to(topic).emit(type, data);
    response.writeHead(202, { "Content-Length": 2 }).end("{}");
  });
});
// No ping falls into a measure, so that all followers of a topic get the same bytes.
const io = new Server(server, { transports: ["websocket"], pingInterval: 3_600_000, serveClient: false });
io.on("connection", (socket) => {
  const { topic } = socket.handshake.query;
  socket.join(topic);
  socket.on("bench", (data) => io.to(topic).emit("bench", data));
});
server.keepAliveTimeout = 0;
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
process.on("SIGTERM", () => process.exit(0));
