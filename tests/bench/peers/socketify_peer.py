"""socketify (µWebSockets behind cffi) with its own topics: a broadcast is `publish`, nothing of it is Python's.

No compression, no pings, no limit to what waits for a slow follower, and a loop that looks for work every millisecond,
not every ten. A request is worked on in the next turn of the loop, where what goes to a follower is joined. It has no
event streams here: it ends a chunk of an answer only when it begins the next, and the load waits for whole ones.
"""

import json
import sys
from typing import Any

from socketify import App, AppListenOptions, CompressOptions, OpCode

from tests.bench.peers.small import small

CONNECTED = '{"type":"connected"}'
app = App(idle_relaxation_time=0.001)


def broadcast(topic: str, message: dict[str, Any]) -> None:
    text = json.dumps({"type": message["type"], "topic": topic, "data": message["data"]}, separators=(",", ":"))
    app.publish(topic, text, OpCode.TEXT)


def publish(response: Any, request: Any) -> None:
    parts: list[bytes] = []

    def take(response: Any, part: bytes, is_last: bool) -> None:
        parts.append(part)
        if is_last:
            app.loop.loop.call_soon(finish)

    def finish() -> None:
        body = json.loads(b"".join(parts))
        for message in body if isinstance(body, list) else [body]:
            broadcast(message["topic"], message)
        response.cork(lambda one: one.write_status(202).end("{}"))

    response.on_data(take)


def thresholds(response: Any, request: Any) -> None:
    response.write_header("Content-Type", "application/json").end(json.dumps(small(), separators=(",", ":")))


def upgrade(response: Any, request: Any, context: Any) -> None:
    key, protocol = request.get_header("sec-websocket-key"), request.get_header("sec-websocket-protocol")
    extensions = request.get_header("sec-websocket-extensions")
    response.upgrade(key, protocol, extensions, context, request.get_url().removeprefix("/ws/"))


def open_socket(socket: Any) -> None:
    socket.send(CONNECTED, OpCode.TEXT)
    socket.subscribe(socket.get_user_data())


def said(socket: Any, text: str, code: OpCode) -> None:
    broadcast(socket.get_user_data(), json.loads(text))


def listening(options: AppListenOptions) -> None:
    sys.stdout.write(f"http://127.0.0.1:{options.port}\n")
    sys.stdout.flush()


app.ws(
    "/ws/*",
    {
        "compression": CompressOptions.DISABLED,
        "idle_timeout": 0,
        "max_backpressure": 64 * 1024 * 1024,
        "upgrade": upgrade,
        "open": open_socket,
        "message": said,
    },
)
app.post("/api/publish", publish)
app.get("/api/thresholds", thresholds)

if __name__ == "__main__":
    app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"), listening)
    app.run()
