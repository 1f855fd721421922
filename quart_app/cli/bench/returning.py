"""A crowd that comes back after the server was restarted, each client in the way that ours does.

A client comes back when it was told to, else after its back-off, and again where it is not let in within its time.
"""

import asyncio
import random
import re
from collections.abc import Callable
from time import perf_counter
from typing import Final

from quart_app.cli.bench.crowd import OPENING, fresh
from quart_app.cli.bench.load import Load, Target
from quart_app.cli.bench.senders import Speaker
from quart_app.cli.bench.stream import BenchError
from quart_app.client.backoff import full_jitter
from quart_app.client.options import Options

_OPTIONS: Final = Options()
_DEADLINE: Final = 120.0  # s
_RETRY_AFTER: Final = re.compile(rb'"type":"bye".*"retry_after":(\d+)\D')


class _Visit(Speaker):
    """One connection; when it is lost, `left` gets the seconds after which to come back, None where none were told."""

    def __init__(self, target: Target, path: str) -> None:
        super().__init__(target.address, path, target.dialect.greeting, target.dialect.welcome)
        self.left: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        self.failed = lambda _: self._leave(None)

    def _leave(self, retry_after: float | None) -> None:
        if not self.left.done():
            self.left.set_result(retry_after)

    def _body(self, data: bytes) -> None:
        if not self.opened.done():
            super()._body(data)
            return
        self._buffer += data
        if told := _RETRY_AFTER.search(self._buffer):
            self._leave(int(told[1]) / 1_000)
            self.close()


class _Visits:
    """The numbers of connections: how many there are now, and how many there were."""

    def __init__(self) -> None:
        self.now = 0
        self.over = 0
        self._changed = asyncio.Event()

    def begin(self) -> None:
        self.now += 1
        self._changed.set()

    def end(self) -> None:
        self.now -= 1
        self.over += 1
        self._changed.set()

    async def until(self, come_true: Callable[[], bool]) -> None:
        """Return when `come_true()` is true. Raise TimeoutError where that takes too long."""
        async with asyncio.timeout(_DEADLINE):
            while not come_true():
                self._changed.clear()
                await self._changed.wait()


async def returning(target: Target, load: Load) -> dict[str, float]:
    """Return the seconds from the order to restart until the server listens again, and until the last client is
    back."""
    size, restart = load.crowd, target.restart
    if not size or restart is None:
        return {}
    visits, gate = _Visits(), asyncio.Semaphore(OPENING)
    path = target.dialect.path("ws", fresh().topic, "back") or ""
    clients = [asyncio.create_task(_live(target, path, visits, gate)) for _ in range(size)]

    def restarted() -> float:
        restart()
        return perf_counter()

    try:
        await visits.until(lambda: visits.now == size)
        told = perf_counter()
        listens = await asyncio.to_thread(restarted)
        await visits.until(lambda: visits.over >= size and visits.now == size)
        return {"restarted": listens - told, "returned": perf_counter() - told}
    except TimeoutError as error:
        raise BenchError(f"not every client came back within {_DEADLINE:g} s") from error
    finally:
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def _live(target: Target, path: str, visits: _Visits, gate: asyncio.Semaphore) -> None:
    """Be one client, until cancelled."""
    attempt = 0
    async with gate:
        visit = await _visit(target, path)
    while True:
        delay = None
        if visit is not None:
            attempt = 0
            visits.begin()
            try:
                delay = await visit.left
            finally:
                visits.end()
                visit.close()
        if delay is None:
            delay = full_jitter(attempt, _OPTIONS.backoff_base, _OPTIONS.backoff_cap, random.uniform)
            attempt += 1
        await asyncio.sleep(delay)
        visit = await _visit(target, path)


async def _visit(target: Target, path: str) -> _Visit | None:
    """Return a connection, None where it was not welcomed in time."""
    visit, welcomed = _Visit(target, path), False
    try:
        async with asyncio.timeout(_OPTIONS.ws_open):
            await visit.open(target.address)
        welcomed = True
    except (OSError, BenchError):
        pass
    finally:
        if not welcomed:
            visit.close()
    return visit if welcomed else None
