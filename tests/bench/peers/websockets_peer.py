"""`websockets` on uvloop with its own `broadcast`, which makes the frame once and waits for nobody.

It serves no HTTP but the handshake, so that a publisher comes over a WebSocket, at `/publish`, and is answered there.
No compression, no pings, no log.
"""

import asyncio
import json
import logging
import socket
import sys
from collections import defaultdict
from typing import Any

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

followers: dict[str, set[ServerConnection]] = defaultdict(set)
CONNECTED = '{"type":"connected"}'


def publish(topic: str, message: dict[str, Any]) -> None:
    text = json.dumps({"type": message["type"], "topic": topic, "data": message["data"]}, separators=(",", ":"))
    broadcast(followers[topic], text)


async def publisher(connection: ServerConnection) -> None:
    async for text in connection:
        body = json.loads(text)
        for message in body if isinstance(body, list) else [body]:
            publish(message["topic"], message)
        await connection.send("{}")


async def follower(connection: ServerConnection, topic: str) -> None:
    await connection.send(CONNECTED)
    followers[topic].add(connection)
    try:
        async for text in connection:
            publish(topic, json.loads(text))
    finally:
        followers[topic].discard(connection)


async def handle(connection: ServerConnection) -> None:
    assert connection.request is not None
    kind, _, topic = connection.request.path.partition("?")[0].removeprefix("/").partition("/")
    await (publisher(connection) if kind == "publish" else follower(connection, topic))


async def main() -> None:
    logging.getLogger("websockets").addHandler(logging.NullHandler())
    logging.getLogger("websockets").propagate = False
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    # No ping falls into a measure, so that all followers of a topic get the same bytes.
    async with serve(handle, sock=listener, backlog=4096, compression=None, ping_interval=None, server_header=None):
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
