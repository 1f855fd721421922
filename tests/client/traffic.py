"""What the tests of the client say often: options with short waits, publishing, reading numbers until all are there."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from quart_app.client import Live, Options, connect
from quart_app.client.messages import Message

DEADLINE = 20.0
SHORT = Options(
    ws_open=1.5,
    sse_open=1.5,
    backoff_base=0.1,
    backoff_cap=1.0,
    early_death=1.0,
    probe_first=0.3,
    probe_max=0.6,
    overlap=0.1,
    poll_wait=5.0,
)


def fresh(namespace: str = "log") -> str:
    """Return a topic that no other test uses."""
    return f"{namespace}/test-{secrets.token_hex(4)}"


def client(
    url: str, *topics: str, since: str | None = None, transports: Sequence[str] = ("ws", "sse", "poll"), **more: Any
) -> Live:
    """Return a client with short waits; `more` are Options, or `params`."""
    params = more.pop("params", None)
    return connect(url, topics, since=since, params=params, transports=transports, options=replace(SHORT, **more))


async def publish(live: Live, topic: str, *numbers: int, type: str = "numbered") -> None:
    """Publish numbered messages over REST, one after the other; not before `live` was connected for the first time,
    because it follows from then on."""
    if live.status.id is None:
        await live.opened()
    for number in numbers:
        await live.call("POST", "api/publish", {"topic": topic, "type": type, "data": {"number": number}})


async def until(live: Live, type: str) -> Message:
    """Return the next message of this type."""
    async with asyncio.timeout(DEADLINE):
        async for message in live:
            if message["type"] == type:
                return message
    raise AssertionError(f"the stream ended without {type}")


async def numbers(live: Live, count: int) -> list[int]:
    """Return the numbers of the next `count` numbered messages, in the order in which they come.

    Raise AssertionError where the next message takes longer than DEADLINE.
    """
    found: list[int] = []
    try:
        async with asyncio.timeout(DEADLINE) as patience:
            while len(found) < count:
                message = await anext(live)
                patience.reschedule(asyncio.get_running_loop().time() + DEADLINE)
                if message["type"] == "numbered":
                    found.append(message["data"]["number"])
    except TimeoutError:
        raise AssertionError(f"only {found[-5:]} at the end, {len(found)} of {count}: {live.status}") from None
    return found


async def reaches(live: Live, **wanted: object) -> None:
    """Return as soon as the status of `live` has these values."""
    try:
        async with asyncio.timeout(DEADLINE):
            while any(getattr(live.status, name) != value for name, value in wanted.items()):
                await live.changed()
    except TimeoutError:
        raise AssertionError(f"not {wanted}: {live.status}") from None


@contextlib.asynccontextmanager
async def background(work: Any) -> AsyncIterator[asyncio.Task[Any]]:
    """Run a coroutine beside the test; what it raises fails the test."""
    task = asyncio.create_task(work)
    try:
        yield task
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
