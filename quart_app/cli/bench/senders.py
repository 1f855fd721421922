"""The senders on WebSockets: some send each message when the one before is acknowledged, others when told to."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

from quart_app.cli.bench.stream import BenchError
from quart_app.cli.bench.wire import UPGRADE, Address, Client, masked

_OVERLAP: Final = 256  # bytes kept of a read, so that a text is found that two reads share


class Sender(Client):
    """A sender of one message after another on a WebSocket, each when the one before is acknowledged.

    `compose(number, key)` is the text of a message; its acknowledgement carries the `key`.
    """

    def __init__(self, address: Address, path: str, user: str, compose: Callable[[int, str], str]) -> None:
        super().__init__(address.head("GET", path, UPGRADE), 101)
        self.acknowledged = 0
        self._compose = compose
        self._user = user
        self._key = b""
        self._next: Callable[[], None] = lambda: None

    async def run(self, first: int, step: int, until: float) -> None:
        """Send the messages `first`, `first + step`, … until `perf_counter` says `until`."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(error: BaseException) -> None:
            if not done.done():
                done.set_exception(error)

        def send_next() -> None:
            if perf_counter() >= until:
                done.set_result(None)
                return
            number = first + self.acknowledged * step
            key = f"{self._user}-{number}-key"
            self._key = f'"{key}"'.encode()
            self._write(masked(self._compose(number, key).encode()))

        self.failed = fail
        self._next = send_next
        send_next()
        await done

    def _body(self, data: bytes) -> None:
        if not self.opened.done():
            self.opened.set_result(None)
        seen = self._buffer + data
        self._buffer = seen[-_OVERLAP:]
        if b'"type":"error"' in seen:
            raise BenchError(f"the server refused a message: {seen[-500:]!r}")
        if self._key and self._key in seen:
            self._key = self._buffer = b""
            self.acknowledged += 1
            self._next()


class Speaker(Client):
    """A sender of what it is told to, when it is told to; it ignores what comes. `greeting` and `welcome` are those
    of the dialect."""

    def __init__(self, address: Address, path: str, greeting: str, welcome: bytes) -> None:
        super().__init__(address.head("GET", path, UPGRADE), 101)
        self._greeting = greeting
        self._welcome = welcome

    def say(self, text: str) -> None:
        self._write(masked(text.encode()))

    def _ready(self) -> None:
        if self._greeting:
            self.say(self._greeting)
        if not self._welcome:
            self.opened.set_result(None)

    def _body(self, data: bytes) -> None:
        if b'"type":"error"' in data:
            raise BenchError(f"the server refused a message: {data[-500:]!r}")
        if not self.opened.done():
            self._buffer += data
            if self._welcome in self._buffer:
                self._buffer = b""
                self.opened.set_result(None)
