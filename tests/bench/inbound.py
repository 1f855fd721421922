"""What a message costs that comes in on a WebSocket: each sender has a topic of its own, which nobody else follows."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter, process_time
from typing import Final

from quart_app.cli.bench.crowd import fresh
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.process import processor_time, used_since
from quart_app.cli.bench.senders import Speaker
from quart_app.cli.bench.stream import BenchError
from tests.bench.loads import FullLoad

_DEADLINE: Final = 60.0  # s


class Hearer(Speaker):
    """A sender that hears each of its messages before it sends the next."""

    def __init__(self, target: Target, user: str) -> None:
        self._following, self._dialect = fresh(), target.dialect
        topic, dialect = self._following.topic, target.dialect
        greeting = dialect.greeting.replace("{topic}", topic)
        super().__init__(target.address, dialect.path("ws", topic, user) or "", greeting, dialect.welcome)
        self.heard = 0
        self._again: Callable[[], None] | None = None

    async def run(self, until: float) -> None:
        """Send until `perf_counter` says `until`. Raise BenchError where a message does not come back."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(error: BaseException) -> None:
            if not done.done():
                done.set_exception(error)

        def send() -> None:
            if perf_counter() >= until:
                done.set_result(None)
            else:
                self.say(self._dialect.saying(self._following.topic, self._due()))

        self.failed = fail
        self._again = send
        send()
        await done

    def _due(self) -> str:
        return f"{self._following.mark}{self.heard};"

    def _body(self, data: bytes) -> None:
        if self._again is None:
            super()._body(data)
            return
        self._buffer += data
        if b'"type":"error"' in self._buffer:
            raise BenchError(f"the server refused a message: {self._buffer[-500:]!r}")
        if self._due().encode() in self._buffer:
            self._buffer = b""
            self.heard += 1
            self._again()


async def inbound(target: Target, load: FullLoad) -> Figures:
    """Return how many messages a second come in, and what each costs the server (µs), its one delivery included."""
    with ExitStack() as stack:
        hearers = [Hearer(target, f"hearer-{number}") for number in range(load.senders)]
        for hearer in hearers:
            stack.callback(hearer.close)
            await hearer.open(target.address)
        started, busy, used = perf_counter(), process_time(), processor_time(target.pid)
        try:
            async with asyncio.timeout(load.seconds + _DEADLINE), asyncio.TaskGroup() as group:
                for hearer in hearers:
                    group.create_task(hearer.run(started + load.seconds))
        except TimeoutError as error:
            raise BenchError(f"a message did not come back within {_DEADLINE:g} s") from error
        took, busy, spent = perf_counter() - started, process_time() - busy, used_since(used, target.pid)
        heard = sum(hearer.heard for hearer in hearers)
    figures = {"inbound": heard / took, "inbound_busy": busy / took}
    return figures if spent is None else figures | {"inbound_cost": spent / heard * 1e6}
