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
from quart_app.cli.bench.wire import Client
from tests.bench.loads import FullLoad

_GOOD: Final = re.compile(rb"HTTP/1\.1 20[0-4] ")
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


class Asker(Client):
    """A connection on which the next request is sent when the one before is answered."""

    def __init__(self, request: bytes) -> None:
        super().__init__(request, 200)
        self.answered = 0
        self._again: Callable[[], None] = lambda: None

    async def run(self, until: float) -> None:
        """Ask until `perf_counter` says `until`. Raise BenchError where an answer is not good."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(error: BaseException) -> None:
            if not done.done():
                done.set_exception(error)

        def ask() -> None:
            if perf_counter() >= until:
                done.set_result(None)
            else:
                self._write(self._request)

        self.failed = fail
        self._again = ask
        ask()
        await done

    def _head(self, data: bytes) -> None:
        self._buffer += data
        end = answer_end(self._buffer)
        if end < 0:
            return
        if not _GOOD.match(self._buffer):
            raise BenchError(f"the server answered {self._buffer[:300]!r}")
        self._buffer = self._buffer[end:]
        if self.opened.done():
            self.answered += 1
            self._again()
        else:
            self.opened.set_result(None)


def answer_end(data: bytes) -> int:
    """Return the end of the answer (RFC 9112 section 6.3) that `data` begin with, -1 while it is not whole."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return -1
    if length := _LENGTH.search(data, 0, head):
        end = head + 4 + int(length[1])
        return end if end <= len(data) else -1
    return len(data) if data.endswith(_LAST_CHUNK) else -1


def requests(small: str | None) -> Callable[[Target, FullLoad], Awaitable[Figures]]:
    """Return the measure of requests: a message that nobody listens to, and `small`, the path of a small GET, if the
    server has one."""

    async def measured(target: Target, load: FullLoad) -> Figures:
        following = fresh()
        path, body = target.dialect.publishing(following.topic, [f"{following.mark}0;"])
        head = target.address.head("POST", path, f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n")
        figures = await _asked(target, load, head + body, "post")
        return (
            figures if small is None else figures | await _asked(target, load, target.address.head("GET", small), "get")
        )

    return measured


async def _asked(target: Target, load: FullLoad, request: bytes, name: str) -> Figures:
    with ExitStack() as stack:
        askers = [Asker(request) for _ in range(load.askers)]
        for asker in askers:
            stack.callback(asker.close)
            await asker.open(target.address)
        started, busy, used = perf_counter(), process_time(), processor_time(target.pid)
        async with asyncio.TaskGroup() as group:
            for asker in askers:
                group.create_task(asker.run(started + load.seconds))
        took, busy, spent = perf_counter() - started, process_time() - busy, used_since(used, target.pid)
        answered = sum(asker.answered for asker in askers)
    figures = {f"asked_{name}": answered / took, f"asked_{name}_busy": busy / took}
    return figures if spent is None else figures | {f"asked_{name}_cost": spent / answered * 1e6}
