// The socket.io-client of npm, driven by a test: `node socketio-client.mjs URL OPTIONS`. Prints one JSON line for each
// thing that happens to it, takes one JSON line for each thing it is to do: {emit: [name, ...args]}, {close: true}, {die: true}.
// When its input ends it says goodbye and ends.
// With `resume` among the options it gives its newest cursor as `auth.since` whenever it connects.
import { createInterface } from "node:readline";

import { io } from "socket.io-client";

const [url, given] = process.argv.slice(2);
const { resume = false, ...options } = JSON.parse(given);
const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

let since = null;
if (resume) options.auth = (give) => give({ since });

const socket = io(url, { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 300, ...options });
socket.on("connect", () => tell({ connect: socket.io.engine.transport.name }));
socket.io.on("open", () => {
  socket.io.engine.once("upgrade", (transport) => tell({ upgrade: transport.name }));
});
socket.on("disconnect", (reason) => tell({ disconnect: reason }));
socket.on("connect_error", (error) => tell({ refused: error.message, data: error.data ?? null, stays: !socket.active }));
socket.onAny((event, ...args) => {
  since = args[1]?.id ?? (event === "connected" ? args[0].id : since);
  tell({ event, args });
});

createInterface({ input: process.stdin }).on("line", (line) => {
  const { emit, ask, close, die } = JSON.parse(line);
  if (emit) socket.emit(...emit);
  if (ask) socket.emitWithAck(...ask).then((answer) => tell({ answer }));
  if (close) socket.close();
  if (die) dieConnected();
}).on("close", () => {
  socket.close();
  setTimeout(process.exit, 500).unref(); // the poll of who was refused is not answered before the next heartbeat
});

// Between two polls nobody can tell that a client dies: this one waits until a poll has been with the server for a while.
const dieConnected = () => {
  const kill = () => process.kill(process.pid, "SIGKILL");
  const { transport } = socket.io.engine;
  if (transport.name !== "polling") return kill();
  let dies;
  transport.on("poll", () => (dies = setTimeout(kill, 100)));
  transport.on("pollComplete", () => clearTimeout(dies));
};
