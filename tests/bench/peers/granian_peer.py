"""Granian with its own interface (RSGI): one worker on uvloop, HTTP/1, no log; a loop of `send_str` over the sockets.

Each event stream is a loop that reads a queue of its own. `tests.bench.contenders` has the command line.
"""

import asyncio
import json
import os
import sys
from collections import defaultdict
from typing import Any

from granian.rsgi import ProtocolClosed

from tests.bench.peers.small import small

sockets: dict[str, set[Any]] = defaultdict(set)
streams: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)
sending = asyncio.Lock()
CONNECTED = '{"type":"connected"}'
JSON = [("content-type", "application/json")]
EVENTS = [("content-type", "text/event-stream")]


async def broadcast(topic: str, message: dict[str, Any]) -> None:
    text = json.dumps({"type": message["type"], "topic": topic, "data": message["data"]}, separators=(",", ":"))
    async with sending:  # so that all get the messages in one order
        for socket in list(sockets[topic]):
            await socket.send_str(text)
    for queue in streams[topic]:
        queue.put_nowait(text)


async def publish(protocol: Any) -> None:
    body = json.loads(await protocol())
    for message in body if isinstance(body, list) else [body]:
        await broadcast(message["topic"], message)
    protocol.response_str(202, JSON, "{}")


async def follow(protocol: Any, topic: str) -> None:
    socket = await protocol.accept()
    await socket.send_str(CONNECTED)
    sockets[topic].add(socket)
    try:
        while (message := await socket.receive()).kind:
            await broadcast(topic, json.loads(message.data))
    except ProtocolClosed:
        pass
    finally:
        sockets[topic].discard(socket)


async def stream(protocol: Any, topic: str) -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    response = protocol.response_stream(200, EVENTS)
    await response.send_str(f"data: {CONNECTED}\n\n")
    streams[topic].add(queue)
    gone = asyncio.ensure_future(protocol.client_disconnect())
    sender = asyncio.create_task(send_from(queue, response))
    try:
        await asyncio.wait((gone, sender), return_when=asyncio.FIRST_COMPLETED)
    finally:
        streams[topic].discard(queue)
        gone.cancel()
        sender.cancel()


async def send_from(queue: asyncio.Queue[str], response: Any) -> None:
    while True:
        await response.send_str(f"data: {await queue.get()}\n\n")


async def tell(port: int) -> None:
    """Print the address when it is served, and the process that serves: Granian's first one only watches over it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/thresholds HTTP/1.1\r\nHost: localhost\r\n\r\n")
    writer.close()
    sys.stdout.write(f"http://127.0.0.1:{port} {os.getpid()}\n")
    sys.stdout.flush()


class App:
    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.create_task(tell(int(os.environ["GRANIAN_PORT"])))

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        kind, _, topic = scope.path.removeprefix("/").partition("/")
        if scope.proto == "ws":
            await follow(protocol, topic)
        elif scope.method == "POST":
            await publish(protocol)
        elif kind == "sse":
            await stream(protocol, topic)
        else:
            protocol.response_str(200, JSON, json.dumps(small(), separators=(",", ":")))


app = App()
