"""A line to Redis or Valkey: one connection that asks, and one that listens. It is never mended: a lost line is over.

The library's own clients connect again by themselves and say nothing, so that what was published meanwhile is missed
unawares; therefore its connections are used without these.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from quart_app.realtime import limits

T = TypeVar("T")


class Lost(Exception):
    """A line does not answer, or does not do what it is told, or what is behind it is not what it was."""


class Line(Protocol):
    async def call(self, script: str, *arguments: str | bytes | float) -> Any:
        """Run a script and return what it returns. Raise Lost."""

    async def publish(self, message: bytes, tag: str = "") -> None:
        """Publish on the bus, or on the channel of the node of that tag. Raise Lost."""

    async def receive(self) -> bytes:
        """Return the next message of the bus or of the node's own channel. Raise Lost where none comes for too long."""

    async def close(self) -> None:
        """Give the line up."""


def parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in parts of at most `size`, so that none holds the line up for long."""
    for at in range(0, len(items), size):
        yield items[at : at + size]


Connect = Callable[[str, str], Awaitable[Line]]
"""What opens a line for the keys of a prefix, and listens to the bus there and to the channel of its own that is named.
It raises Lost."""


_LOST: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""The errors of a connection that is lost; the last is uvloop's, where the other side has closed it just before."""


def connect_to(url: str) -> Connect:
    """Return what opens lines to the server at `url` (redis, rediss or unix). Raise ValueError for another url."""
    pool = ConnectionPool.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=limits.PROBE + limits.PROBE_DEADLINE,
        socket_connect_timeout=limits.PROBE_DEADLINE,
    )

    async def connect(prefix: str, channel: str) -> Line:
        # It is the library's, which has no type for it.
        line = RedisLine(pool.make_connection(), pool.make_connection(), prefix)  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(limits.PROBE + limits.PROBE_DEADLINE):
                await line.open(channel)
        except _LOST as error:
            await line.close()
            raise Lost(str(error) or "it does not answer") from error
        return line

    return connect


class RedisLine:
    """A line by two connections of redis-py, `asking` and `listening`."""

    def __init__(self, asking: AbstractConnection, listening: AbstractConnection, prefix: str) -> None:
        self._asking = asking
        self._listening = listening
        self._prefix = prefix
        self._turn = asyncio.Lock()
        self._hashes: dict[str, bytes] = {}

    async def open(self, channel: str) -> None:
        """Connect and subscribe. Raise RedisError, OSError."""
        await self._listening.connect()  # type: ignore[no-untyped-call]  # the library has no type for it
        await self._asking.connect()  # type: ignore[no-untyped-call]  # neither here
        channels = (f"{self._prefix}bus", channel)
        await self._listening.send_command("SUBSCRIBE", *channels)
        for _ in channels:
            await self._listening.read_response()

    async def call(self, script: str, *arguments: str | bytes | float) -> Any:
        hashed = self._hashes.get(script)
        try:
            if hashed is None:
                hashed = self._hashes[script] = await self._ask("SCRIPT", "LOAD", script)
            return await self._ask("EVALSHA", hashed, 1, self._prefix, *arguments)
        except ResponseError as error:  # other data, other scripts, or no memory
            raise Lost(str(error)) from error

    async def publish(self, message: bytes, tag: str = "") -> None:
        try:
            await self._ask("PUBLISH", f"{self._prefix}node:{tag}" if tag else f"{self._prefix}bus", message)
        except ResponseError as error:
            raise Lost(str(error)) from error

    async def _ask(self, *command: str | bytes | float) -> Any:
        async with self._turn:
            if not self._asking.is_connected:  # it would connect again, and say nothing
                raise Lost("the line is closed")
            try:
                async with asyncio.timeout(limits.PROBE_DEADLINE):
                    await self._asking.send_command(*command)
                    return await self._asking.read_response()
            except ResponseError:
                raise
            except _LOST as error:
                raise Lost(str(error) or "it does not answer") from error

    async def receive(self) -> bytes:
        while True:
            try:
                kind, _, message = await self._listening.read_response()
            except (RedisError, OSError, ValueError) as error:
                raise Lost(str(error)) from error
            if kind == b"message":
                return bytes(message)

    async def close(self) -> None:
        for connection in (self._asking, self._listening):
            with suppress(*_LOST):
                await connection.disconnect(nowait=True)
