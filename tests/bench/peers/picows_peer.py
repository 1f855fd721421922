"""picows on uvloop: a broadcast is a loop of `send` over the transports, of bytes that are made once.

It serves no HTTP, so that a publisher comes over a WebSocket, at `/publish`, and is answered there. No compression
(picows has none), no pings, picows' own transports (aiofastnet), which it takes by default, and buffers for reading
that begin as small as the messages are.
"""

import asyncio
import json
import socket
import sys
from collections import defaultdict
from typing import Any

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

followers: dict[str, set[WSTransport]] = defaultdict(set)
CONNECTED = b'{"type":"connected"}'


def broadcast(topic: str, message: dict[str, Any]) -> None:
    text = json.dumps({"type": message["type"], "topic": topic, "data": message["data"]}, separators=(",", ":"))
    data = text.encode()
    for follower in followers[topic]:
        follower.send(WSMsgType.TEXT, data)


class Publisher(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        body = json.loads(frame.get_payload_as_memoryview().tobytes())
        for message in body if isinstance(body, list) else [body]:
            broadcast(message["topic"], message)
        transport.send(WSMsgType.TEXT, b"{}")


class Follower(WSListener):
    def __init__(self, topic: str) -> None:
        self.topic = topic

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, CONNECTED)
        followers[self.topic].add(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        else:
            broadcast(self.topic, json.loads(frame.get_payload_as_memoryview().tobytes()))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        followers[self.topic].discard(transport)


def listener_of(request: WSUpgradeRequest) -> WSListener:
    kind, _, topic = request.path.decode().partition("?")[0].removeprefix("/").partition("/")
    return Publisher() if kind == "publish" else Follower(topic)


async def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server = await ws_create_server(
        listener_of, sock=listener, backlog=4096, enable_auto_ping=False, read_buffer_init_size=2048
    )
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
