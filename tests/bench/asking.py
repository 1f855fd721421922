"""What a request costs: the same one again and again on many connections that are kept alive, while nobody listens."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from time import perf_counter, process_time
from typing import Final

from quart_app.cli.bench.crowd import fresh
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.process import processor_time, used_since
from quart_app.cli.bench.stream import BenchError
from quart_app.cli.bench.wire import Address
from tests.bench.in_turn import InTurn, all_in_turn
from tests.bench.loads import FullLoad

_GOOD: Final = re.compile(rb"HTTP/1\.1 20[0-4] ")
_EMPTY: Final = b"HTTP/1.1 204 "
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


class Asker(InTurn):
    """A connection that asks in turn; `compose(number)` makes a request."""

    def __init__(self, compose: Callable[[int], bytes]) -> None:
        super().__init__(b"", 200)
        self._compose = compose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.opened.set_result(None)

    def _send(self, number: int) -> None:
        self._write(self._compose(number))

    def _head(self, data: bytes) -> None:
        self._buffer += data
        end = answer_end(self._buffer)
        if end < 0:
            return
        if not _GOOD.match(self._buffer):
            raise BenchError(f"the server answered {self._buffer[:300]!r}")
        self._buffer = self._buffer[end:]
        self._answered()


def answer_end(data: bytes) -> int:
    """Return the end of the answer (RFC 9112 section 6.3) that `data` begin with, -1 while it is not whole."""
    head = data.find(b"\r\n\r\n")
    if head < 0 or data.startswith(_EMPTY):
        return head + 4 if head >= 0 else -1
    if length := _LENGTH.search(data, 0, head):
        end = head + 4 + int(length[1])
        return end if end <= len(data) else -1
    return len(data) if data.endswith(_LAST_CHUNK) else -1


def post(address: Address, path: str, body: bytes) -> bytes:
    """Return a request that posts JSON."""
    head = address.head("POST", path, f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n")
    return head + body


def requests(small: str | None) -> Callable[[Target, FullLoad], Awaitable[Figures]]:
    """Return the measure of requests: a message that nobody listens to, and `small`, the path of a small GET, if the
    server has one."""

    async def measured(target: Target, load: FullLoad) -> Figures:
        following, address = fresh(), target.address
        message = post(address, *target.dialect.publishing(following.topic, [f"{following.mark}0;"]))
        figures = await asked(target, load, message, "post")
        if small is not None:
            figures |= await asked(target, load, address.head("GET", small), "get")
        return figures

    return measured


async def asked(target: Target, load: FullLoad, request: bytes, name: str) -> Figures:
    """Return how often `request` was answered a second, and what each cost the server (µs), by `name`."""
    with ExitStack() as stack:
        askers = [Asker(lambda _: request) for _ in range(load.askers)]
        for asker in askers:
            stack.callback(asker.close)
            await asker.open(target.address)
        started, busy, used = perf_counter(), process_time(), processor_time(target.pid)
        answered = await all_in_turn(askers, started + load.seconds)
        took, busy, spent = perf_counter() - started, process_time() - busy, used_since(used, target.pid)
    figures = {f"asked_{name}": answered / took, f"asked_{name}_busy": busy / took}
    return figures if spent is None else figures | {f"asked_{name}_cost": spent / answered * 1e6}
