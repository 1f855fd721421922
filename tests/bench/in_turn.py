"""Connections that send one message after another, each when the one before is answered."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final

from quart_app.cli.bench.stream import BenchError
from quart_app.cli.bench.wire import UPGRADE, Address, Client, masked

_DEADLINE: Final = 60.0  # s


class InTurn(Client):
    """A connection that sends in turn; it is `done` with so many messages."""

    def __init__(self, request: bytes, status: int) -> None:
        super().__init__(request, status)
        self.done = 0
        self._again: Callable[[], None] = lambda: None

    async def run(self, first: int, step: int, until: float) -> None:
        """Send the messages `first`, `first + step`, … until `perf_counter` says `until`. Raise BenchError where one is
        refused."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(error: BaseException) -> None:
            if not ended.done():
                ended.set_exception(error)

        def send() -> None:
            if perf_counter() >= until:
                ended.set_result(None)
            else:
                self._send(first + self.done * step)

        self.failed = fail
        self._again = send
        send()
        await ended

    def _send(self, number: int) -> None:
        raise NotImplementedError

    def _answered(self) -> None:
        self.done += 1
        self._again()


class SenderInTurn(InTurn):
    """A WebSocket that sends in turn.

    `opening` has its first words, and what it is welcomed with; `compose(number)` are the texts of the next message
    or messages, and `due(number)` is in what comes back then. `heard` gets the number and all that came back.
    """

    def __init__(
        self,
        address: Address,
        path: str,
        opening: tuple[str, bytes],
        compose: Callable[[int], Sequence[str]],
        due: Callable[[int], bytes],
    ) -> None:
        super().__init__(address.head("GET", path, UPGRADE), 101)
        self.heard: Callable[[int, bytes], object] = lambda number, text: None
        self._greeting, self._welcome = opening
        self._compose = compose
        self._due = due
        self._number = 0

    def _ready(self) -> None:
        if self._greeting:
            self._write(masked(self._greeting.encode()))
        if not self._welcome:
            self.opened.set_result(None)

    def _send(self, number: int) -> None:
        self._number = number
        self._write(b"".join(masked(text.encode()) for text in self._compose(number)))

    def _body(self, data: bytes) -> None:
        self._buffer += data
        if b'"type":"error"' in self._buffer or b'"error":' in self._buffer:
            raise BenchError(f"the server refused a message: {self._buffer[-500:]!r}")
        opened = self.opened.done()
        if (self._due(self._number) if opened else self._welcome) in self._buffer:
            came, self._buffer = self._buffer, b""
            if opened:
                self.heard(self._number, came)
                self._answered()
            else:
                self.opened.set_result(None)


async def all_in_turn(senders: Sequence[InTurn], until: float) -> int:
    """Have all of them send until `perf_counter` says `until`, the first the messages 0, `len(senders)`, … and so on.

    Return how many messages were sent. Raise BenchError.
    """
    try:
        async with asyncio.timeout(until - perf_counter() + _DEADLINE), asyncio.TaskGroup() as group:
            for number, sender in enumerate(senders):
                group.create_task(sender.run(number, len(senders), until))
    except TimeoutError as error:
        raise BenchError(f"a message was not answered within {_DEADLINE:g} s") from error
    return sum(sender.done for sender in senders)
