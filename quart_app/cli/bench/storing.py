"""The measures of stored messages: how fast they are, and how fast clients that come back get what they missed."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from time import perf_counter
from typing import Final

from quart_app.cli.bench.crowd import Crowd, Following, crowd, fresh
from quart_app.cli.bench.fan_out import LIST
from quart_app.cli.bench.load import Load, Target
from quart_app.cli.bench.process import processor_time, used_since
from quart_app.cli.bench.senders import Sender
from quart_app.cli.bench.stream import BenchError
from quart_app.cli.bench.wire import Poster

_DEADLINE: Final = 60.0  # s


async def durable(target: Target, load: Load) -> dict[str, float]:
    """Return how many messages a second were acknowledged, so stored, and came to all readers.

    Each sender waits for an acknowledgement before it sends the next message.
    """
    following = fresh("log")
    compose = _sending(following.mark)
    if target.room is not None:
        following = replace(following, topic=target.room)
        compose = _saying(following.mark)
    senders = [_sender(target, following, number, compose) for number in range(load.senders)]
    async with AsyncExitStack() as stack:
        for sender in senders:
            stack.callback(sender.close)
            await sender.open(target.address)
        # Whoever enters a room is told who is there, so that no two clients get the same stream.
        readers = [await stack.enter_async_context(crowd(target, following, 1)) for _ in range(load.readers)]
        started, used = perf_counter(), processor_time(target.pid)
        try:
            async with asyncio.timeout(load.seconds + _DEADLINE), asyncio.TaskGroup() as group:
                for number, sender in enumerate(senders):
                    group.create_task(sender.run(number, len(senders), started + load.seconds))
        except TimeoutError as error:
            raise BenchError(f"a message was not acknowledged within {_DEADLINE:g} s") from error
        stored = sum(sender.acknowledged for sender in senders)
        for reader in readers:
            await reader.until(stored)
        took, spent = perf_counter() - started, used_since(used, target.pid)
        _check(readers, stored, len(senders))
    figures = {"durable": stored / took}
    return figures if spent is None else figures | {"durable_cost": spent / stored * 1e6}


def _check(readers: list[Crowd], stored: int, senders: int) -> None:
    for reader in readers:
        reader.stream.check(stored, senders)
        if reader.stream.numbers != readers[0].stream.numbers:
            raise BenchError("two readers got the messages in different orders")


def _sender(target: Target, following: Following, number: int, compose: Callable[[int, str], str]) -> Sender:
    user = f"{following.mark[:-1]}-{number}"
    return Sender(target.address, target.dialect.path("ws", following.topic, user) or "", user, compose)


async def resume(target: Target, load: Load) -> dict[str, float]:
    """Return the seconds until clients that come back with a cursor have what they missed: while it is in the server's
    memory, and after a restart."""
    following = fresh("log")
    async with crowd(target, following, 1) as witness:  # somebody stays, so that the topic is in memory
        since = await fill(target, following, load.backlog)
        await witness.until(load.backlog)
        figures = {"resume_warm": await come_back(target, following, since, (load.returning, load.backlog))}
    if target.restart is not None:
        again = target.restart()
        figures["resume_cold"] = await come_back(again, following, since, (load.returning, load.backlog))
    return figures


async def fill(target: Target, following: Following, count: int) -> str:
    """Publish `count` durable messages; return the cursor before them."""
    poster = Poster(target.address)
    try:
        path, body = target.dialect.publishing(following.topic, ["before"])
        since = json.loads(await poster.post(path, body)).get("id")
        if since is None:
            raise BenchError("the server gave no cursor to come back with")
        for first in range(0, count, LIST):
            numbers = range(first, min(first + LIST, count))
            path, body = target.dialect.publishing(following.topic, [f"{following.mark}{n};" for n in numbers])
            await poster.post(path, body)
    finally:
        poster.close()
    return str(since)


async def come_back(target: Target, following: Following, since: str, numbers: tuple[int, int]) -> float:
    """Return the seconds from the first connection to the last message of the last client.

    `numbers` are the number of clients, and that of the messages that each missed.
    """
    clients, missed = numbers
    path = f"{target.dialect.path('ws', following.topic, 'back')}&since={since}"
    started = perf_counter()
    async with crowd(target, replace(following, path=path), clients) as followers:
        await followers.until(missed)
        took = perf_counter() - started
        followers.stream.check(missed, 1)
    return took


def _saying(mark: str) -> Callable[[int, str], str]:
    return lambda number, key: json.dumps({"type": "message", "content": f"{mark}{number}; hola a todos", "key": key})


def _sending(mark: str) -> Callable[[int, str], str]:
    return lambda number, key: json.dumps(
        {"type": "bench", "data": {"text": f"{mark}{number}; hola a todos"}, "key": key}
    )
