"""The loops that call functions again and again: the feeds of a topic, and a reaction to a topic's messages.

Neither ends before it is stopped, whatever its function does: a feed that fails rests longer each time; a reaction that
fails gets the same message twice more, then goes on.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

import msgspec

from quart_app.functions.bounds import REPEATS, RETRY_LEAST, RETRY_MOST
from quart_app.functions.calling import END, Function
from quart_app.functions.ending import going_on
from quart_app.functions.publishing import FunctionPublisher, json_of
from quart_app.realtime import Event, Feed, Hub

logger = logging.getLogger(__name__)


def feed_of(topic: str, functions: Sequence[Function], publisher: FunctionPublisher) -> Feed:
    """Return all feeds of a topic as one, which runs while somebody listens."""

    async def run() -> None:
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


class Reaction:
    """A function that gets each message of a topic, from when the reaction is made.

    It is a subscriber like any other: it falls behind where it is slow, and of signals it is too slow for it loses the
    oldest. `function` may be replaced by a later one.
    """

    def __init__(self, function: Function, hub: Hub, publisher: FunctionPublisher) -> None:
        self.function = function
        self._publisher = publisher
        self._subscription = hub.follow(function.declaration.topic)
        self._task = asyncio.create_task(self._run(), name=f"on {function.declaration.where}")

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._subscription.close()

    async def _run(self) -> None:
        while True:
            try:
                batch = await self._subscription.read()
            except Exception:
                logger.exception("%s cannot read the log", self._where)  # it will read on from the same place
                await asyncio.sleep(RETRY_LEAST)
                continue
            if batch is None:
                return
            for message in batch.messages:
                if isinstance(message, Event):
                    await self._hear(message)
                else:
                    told = msgspec.json.decode(message.json)
                    logger.warning("%s missed messages: %s %s", self._where, told["type"], told.get("data"))
            await asyncio.sleep(0)  # however much there is to catch up on, others get the loop in between

    @property
    def _where(self) -> str:
        return self.function.declaration.where

    async def _hear(self, event: Event) -> None:
        depth = self._publisher.depth_of(event) + 1
        for rest in (*REPEATS, None):
            function = self.function
            if function.declaration.type not in {None, event.type}:
                return
            try:
                await function.call(msgspec.json.decode(event.json), depth=depth)
            except Exception as error:  # noqa: BLE001 - whatever a function of somebody's own raises
                function.failed(error)
                if rest is not None:
                    await asyncio.sleep(rest)
            else:
                function.worked()
                return
