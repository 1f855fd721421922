"""What stands between a browser and the server in real networks, and what it does to streams, switchable at run time.

Speaks as much HTTP/1.1 (RFC 9112) as that takes: one request per connection to the server, then bytes. Knows nothing of
what is in the messages.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Flag, auto

from tests.running import listening

LIFE_AFTER_101 = 0.5  # s that Fault.KILL_SOCKETS leaves a WebSocket
_CHUNK = 65536  # bytes
_UPGRADE = re.compile(rb"^upgrade:\s*websocket\s*$", re.IGNORECASE | re.MULTILINE)
_EVENT_STREAM = re.compile(rb"^content-type:\s*text/event-stream", re.IGNORECASE | re.MULTILINE)
_CONNECTION = re.compile(rb"^connection:[^\r]*", re.IGNORECASE | re.MULTILINE)
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\nConnection: close\r\n\r\nno upgrade"


class Fault(Flag):
    REFUSE_UPGRADES = auto()  # a WebSocket is answered with 403
    BUFFER_STREAMS = auto()  # no byte of an event stream passes before its end
    KILL_SOCKETS = auto()  # a WebSocket is opened, and cut soon after
    BLACK_HOLE = auto()  # everything is accepted, nothing is forwarded
    CUT = auto()  # every connection ends at once


NONE = Fault(0)


class Proxy:
    """Forwards to the server at `upstream` (its port on 127.0.0.1), apart from its present faults.

    `url` is where a browser finds it.
    """

    def __init__(self, upstream: int) -> None:
        self.url = ""
        self._upstream = upstream
        self._faults = NONE
        self._open: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def afflict(self, faults: Fault) -> None:
        """From now on do this. What was open is cut, as in another network; in a black hole it stays, and is silent."""
        self._faults = faults
        if Fault.BLACK_HOLE in faults:
            self._flowing.clear()
            return
        self._flowing.set()
        for task in self._open:
            task.cancel()

    def heal(self) -> None:
        """Be transparent again; what is open stays open, and what a black hole held back flows."""
        self._faults = NONE
        self._flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a browser."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._forward(reader, writer)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
            pass  # an end like any other: what is left is to cut
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def stop(self) -> None:
        """End what is open."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await self._flowing.wait()
        upgrades = _UPGRADE.search(head) is not None
        if Fault.CUT in self._faults:
            return
        if upgrades and Fault.REFUSE_UPGRADES in self._faults:
            writer.write(_REFUSAL)
            await _finish(writer)
            return
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            to_server.write(head if upgrades else _CONNECTION.sub(b"Connection: close", head))
            life = LIFE_AFTER_101 if upgrades and Fault.KILL_SOCKETS in self._faults else None
            await self._exchange((reader, to_server), (from_server, writer), life)
        finally:
            to_server.transport.abort()

    async def _exchange(self, up: "_Way", down: "_Way", life: float | None) -> None:
        """Until either side has ended, or for `life` s after the answer has begun."""
        upward = asyncio.create_task(self._pump(*up))
        downward = asyncio.create_task(self._answer(*down, life))
        try:
            await asyncio.wait([upward, downward], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in (upward, downward):
                pump.cancel()
            await asyncio.gather(upward, downward, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, life: float | None) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await self._flowing.wait()
        if Fault.BUFFER_STREAMS in self._faults and _EVENT_STREAM.search(head):
            head += await reader.read()
        writer.write(head)
        async with asyncio.timeout(life):
            await self._pump(reader, writer)
        await _finish(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()


_Way = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _finish(writer: asyncio.StreamWriter) -> None:
    """Close after the last byte has gone out."""
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    """A transparent proxy on a free port before the server on `port`."""
    proxy = Proxy(port)
    async with listening(proxy):
        yield proxy
