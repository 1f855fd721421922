"""A crowd: followers of one topic that are opened together, waited for together, and closed in the end."""

import asyncio
import secrets
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from quart_app.cli.bench.followers import EventStreamFollower, Follower
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.stream import BenchError, SharedStream, block_end, frame_end

_STALL: Final = 60.0  # s without a delivery after which a message counts as lost
_POLL: Final = 0.001  # s between two looks at a thousand followers; a look at more of them takes longer
OPENING: Final = 64  # connections that are being opened at a time


@dataclass(frozen=True)
class Following:
    """The topic that a crowd follows, which nobody else uses, and the `mark` of this run's messages.

    `path` takes the place of the dialect's path where more than the topic is asked for; so many `welcomes` are
    expected.
    """

    topic: str
    mark: str
    transport: str = "ws"
    path: str | None = None
    welcomes: int = 1


def fresh(prefix: str = "live", transport: str = "ws") -> Following:
    """Return a `Following` of a topic that nobody uses."""
    run = secrets.token_hex(4)
    return Following(f"{prefix}/bench-{run}", f"{run}#", transport)


class Crowd:
    """Followers of one topic, on one transport."""

    def __init__(self, following: Following, stream: SharedStream, followers: list[Follower]) -> None:
        self.following = following
        self.stream = stream
        self.followers = followers
        self._failure: BaseException | None = None
        for follower in followers:
            follower.failed = self._failed

    def _failed(self, error: BaseException) -> None:
        self._failure = self._failure or error

    @property
    def delivered(self) -> int:
        """The number of messages that every follower has."""
        return bisect_right(self.stream.ends, min(follower.position for follower in self.followers))

    async def until(self, count: int) -> None:
        """Wait until everybody has `count` messages. Raise BenchError when nothing comes any more."""
        most, since = -1, perf_counter()
        pause = _POLL * max(1.0, len(self.followers) / 1_000)
        while (delivered := self.delivered) < count:
            if self._failure is not None:
                raise self._failure
            if (received := sum(follower.position for follower in self.followers)) > most:
                most, since = received, perf_counter()
            elif perf_counter() - since > _STALL:
                raise BenchError(f"{delivered} of {count} messages reached everybody, and no more came")
            await asyncio.sleep(pause)
        if self._failure is not None:
            raise self._failure


@asynccontextmanager
async def crowd(target: Target, following: Following, size: int) -> AsyncIterator[Crowd]:
    """Give a crowd of `size` followers whose welcomes have come, and close it at the end."""
    stream = SharedStream(following.mark, block_end if following.transport == "sse" else frame_end)
    followers = [_follower(target, following, f"bench-{number}", stream) for number in range(size)]
    async with opened(target, following, stream, followers) as there:
        yield there


@asynccontextmanager
async def opened(
    target: Target, following: Following, stream: SharedStream, followers: list[Follower]
) -> AsyncIterator[Crowd]:
    """Give a crowd of these followers, who share a stream, once they are open, and close it at the end."""
    gate = asyncio.Semaphore(OPENING)

    async def open_one(follower: Follower) -> None:
        async with gate:
            await follower.open(target.address)

    try:
        async with asyncio.TaskGroup() as group:
            for follower in followers:
                group.create_task(open_one(follower))
        yield Crowd(following, stream, followers)
    finally:
        for follower in followers:
            follower.close()


def _follower(target: Target, following: Following, user: str, stream: SharedStream) -> Follower:
    dialect = target.dialect
    path = following.path or dialect.path(following.transport, following.topic, user)
    if path is None:
        raise BenchError(f"the server does not serve {following.transport}")
    if following.transport == "sse":
        follower: Follower = EventStreamFollower(target.address, path, stream)
        follower.welcome = dialect.events_welcome
    else:
        follower = Follower(target.address, path, stream, greeting=dialect.greeting)
        follower.welcome = dialect.welcome
    follower.welcomes = following.welcomes
    return follower
