"""The loops that call functions again and again to feed a topic.

None ends before it is stopped, whatever its function does: one that fails rests longer each time.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any

from quart_app.functions.bounds import RETRY_LEAST, RETRY_MOST
from quart_app.functions.calling import END, Function
from quart_app.functions.ending import going_on
from quart_app.functions.publishing import FunctionPublisher, json_of
from quart_app.realtime import Feed


def feed_of(
    topic: str, functions: Sequence[Function], publisher: FunctionPublisher, begins: Callable[[], object]
) -> Feed:
    """Return all feeds of a topic as one, which runs while somebody listens; `begins` is called when it does."""

    async def run() -> None:
        begins()
        async with asyncio.TaskGroup() as group:
            for function in functions:
                group.create_task(_Pace(function, publisher).run(), name=f"feed {function.declaration.where}")

    return Feed(topic, RETRY_LEAST, run)


class _Pace:
    """One feed while it runs."""

    def __init__(self, function: Function, publisher: FunctionPublisher) -> None:
        self._function = function
        self._publisher = publisher
        self._every = function.declaration.every
        self._due = asyncio.get_running_loop().time()

    async def run(self) -> None:
        failures = 0
        run = self._function.begin()
        try:
            while True:
                try:
                    run = await self._turn(run)
                    failures = 0
                    await self._rest()
                except Exception as error:  # noqa: BLE001 - whatever a function of somebody's own raises
                    self._function.failed(error)
                    await asyncio.sleep(min(RETRY_LEAST * 2**failures, RETRY_MOST))
                    failures = min(failures + 1, 16)
                    run = self._function.begin()  # a generator that has raised is over
        finally:
            if run is not None:
                await self._function.finish(run)

    async def _turn(
        self, run: "AsyncGenerator[Any, None] | Generator[Any, None, None] | None"
    ) -> "AsyncGenerator[Any, None] | Generator[Any, None, None] | None":
        """Publish one value, and return the run to go on with."""
        value = await (self._function.call() if run is None else self._function.next_of(run))
        if value is END:
            await asyncio.sleep(RETRY_LEAST)  # a generator without a single value would spin
            return self._function.begin()
        with going_on:
            body = json_of(value)
        if body is not None:
            while wait := self._function.allowance.spend(time.monotonic()):  # noqa: ASYNC110 - time is what it waits for
                await asyncio.sleep(wait)
            declaration = self._function.declaration
            await self._publisher.send(declaration.topic, declaration.answers_as, body)
        self._function.worked()
        return run

    async def _rest(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = max(self._due + (self._every or 0), loop.time())
        await asyncio.sleep(self._due - loop.time())
