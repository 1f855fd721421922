"""The limit of one write per delivery in Python: a bare uvloop protocol that writes prebuilt bytes to each transport.

It has no framework, no bus, no back-pressure and no cursor: what is left is the loop and the sockets. It speaks just
as much HTTP as the load does, and runs in the main environment.
"""

import asyncio
import json
import re
import socket
import sys
from collections import defaultdict
from typing import Any, cast

from quart_app.server.event_loop import new_event_loop
from quart_app.server.listening import raise_descriptor_limit
from tests.bench.peers.small import small

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
_STREAMING = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_DONE = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
_GREETING = b'{"type":"connected"}'
sockets: dict[str, set[asyncio.Transport]] = defaultdict(set)
streams: dict[str, set[asyncio.Transport]] = defaultdict(set)
ordered: set[asyncio.Task[None]] = set()


def frame(payload: bytes) -> bytes:
    length = len(payload)
    head = bytes([0x81, length]) if length < 126 else b"\x81\x7e" + length.to_bytes(2, "big")
    return head + payload


def chunk(payload: bytes) -> bytes:
    block = b"data: %b\n\n" % payload
    return b"%x\r\n%b\r\n" % (len(block), block)


def broadcast(topic: str, payload: bytes) -> None:
    if sockets[topic]:
        data = frame(payload)
        for transport in sockets[topic]:
            transport.write(data)
    if streams[topic]:
        data = chunk(payload)
        for transport in streams[topic]:
            transport.write(data)


def encoded(message: Any, topic: str) -> bytes:
    return json.dumps(
        {"type": message["type"], "topic": topic, "data": message["data"]}, separators=(",", ":")
    ).encode()


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._data = b""
        self._topic = ""
        self._follows: set[asyncio.Transport] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own do not say what they are

    def connection_lost(self, exc: Exception | None) -> None:
        if self._follows is not None:
            self._follows.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._follows is not None:
            self._take_frames()
            return
        while b"\r\n\r\n" in self._data and self._follows is None:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if len(rest) < length:
                return
            self._data = rest[length:]
            self._answer(head.split(b" ", 2)[1].decode(), rest[:length])

    def _answer(self, path: str, body: bytes) -> None:
        kind, _, topic = path.partition("?")[0].removeprefix("/").partition("/")
        if kind == "ws":
            self._follow(topic, sockets[topic], _SWITCHING + frame(_GREETING))
        elif kind == "sse":
            self._follow(topic, streams[topic], _STREAMING + chunk(_GREETING))
        elif kind == "api" and topic == "thresholds":
            answer = json.dumps(small(), separators=(",", ":")).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
        elif kind == "bench":
            task = asyncio.create_task(self._turns(json.loads(body)))
            ordered.add(task)
            task.add_done_callback(ordered.discard)
        else:
            messages = json.loads(body)
            for message in messages if isinstance(messages, list) else [messages]:
                broadcast(message["topic"], encoded(message, message["topic"]))
            self._transport.write(_DONE)

    def _follow(self, topic: str, followers: set[asyncio.Transport], first: bytes) -> None:
        self._topic = topic
        self._follows = followers
        self._transport.write(first)
        followers.add(self._transport)

    def _take_frames(self) -> None:
        """What the load sends: short text frames (RFC 6455 section 5.2) whose mask is zeros."""
        data, start = self._data, 0
        while len(data) >= start + 6:
            length, head = data[start + 1] & 0x7F, 6
            if length == 126:
                length, head = int.from_bytes(data[start + 2 : start + 4], "big"), 8
            end = start + head + length
            if len(data) < end:
                break
            broadcast(self._topic, encoded(json.loads(data[start + head : end]), self._topic))
            start = end
        self._data = data[start:]

    async def _turns(self, order: dict[str, Any]) -> None:
        pad = "x" * order["pad"]
        for number in range(order["first"], order["first"] + order["count"]):
            text = f"{order['mark']}{number};{pad}"
            broadcast(order["topic"], encoded({"type": "bench", "data": {"text": text}}, order["topic"]))
            await asyncio.sleep(0)
        self._transport.write(_DONE)


async def main() -> None:
    raise_descriptor_limit()
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    await asyncio.get_running_loop().create_server(Connection, sock=listener, backlog=4096)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())
