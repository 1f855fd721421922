"""The delays at a steady rate: from the publishing of a message to its delivery, also to the last subscriber."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from quart_app.cli.bench.crowd import Crowd, crowd, fresh
from quart_app.cli.bench.load import Load, Target
from quart_app.cli.bench.process import processor_time, settled, used_since
from quart_app.cli.bench.senders import Speaker
from quart_app.cli.bench.wire import Poster

_PUBLISHERS: Final = 4
_LISTENED_TO: Final = 20  # followers whose delays are noted where noting every delivery would slow the load down
_ON_THE_WAY: Final = 100  # messages of the senders on their way; a slow server is measured at its own pace


@dataclass(frozen=True)
class Delays:
    """Percentiles of delays in ms, over all deliveries and over the last delivery of each message."""

    p50: float
    p99: float
    last_p99: float


class Clock:
    """A clock that notes when messages were sent, and when they came to those of a crowd that are listened to."""

    def __init__(self, followers: Crowd, listened_to: int) -> None:
        self.sent: dict[int, float] = {}
        self._taken: list[float] = []
        self._last: dict[int, float] = {}
        step = max(1, len(followers.followers) // listened_to)
        for follower in followers.followers[::step]:
            follower.arrived = self._note

    def _note(self, number: int, now: float) -> None:
        delay = now - self.sent[number]
        self._taken.append(delay)
        self._last[number] = delay  # time only goes on, so the last delivery is the slowest

    def delays(self) -> Delays:
        """Return the percentiles of what was noted."""
        return Delays(
            _percentile(self._taken, 50), _percentile(self._taken, 99), _percentile(list(self._last.values()), 99)
        )


async def steady(target: Target, followers: Crowd, rate: float, seconds: float) -> Delays:
    """Return the delays at `rate` messages a second, published over HTTP for `seconds`."""
    total = max(2, round(rate * seconds))
    clock = Clock(followers, len(followers.followers))
    following = followers.following
    posters = [Poster(target.address) for _ in range(_PUBLISHERS)]
    started = perf_counter()

    async def publish(sender: int) -> None:
        for number in range(sender, total, _PUBLISHERS):
            due = started + number / rate
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
                due = perf_counter()
            clock.sent[number] = due  # a late message's delay counts from when it was due
            path, body = target.dialect.publishing(following.topic, [f"{following.mark}{number};"])
            await posters[sender].post(path, body)

    try:
        async with asyncio.TaskGroup() as group:
            for sender in range(_PUBLISHERS):
                group.create_task(publish(sender))
        await followers.until(total)
    finally:
        for poster in posters:
            poster.close()
    followers.stream.check(total, _PUBLISHERS)
    return clock.delays()


async def latency(target: Target, load: Load) -> dict[str, float]:
    """Return the delays from publishing to delivery, with few subscribers and with many."""
    figures: dict[str, float] = {}
    for name, size in (("few", load.few), ("many", load.subscribers)):
        await settled(target.pid)
        async with crowd(target, fresh(), size) as followers:
            found = await steady(target, followers, load.steady_rate, load.steady_seconds)
        figures |= {
            f"latency_{name}_p50": found.p50,
            f"latency_{name}_p99": found.p99,
            f"latency_{name}_last": found.last_p99,
        }
    return figures


async def senders(target: Target, load: Load) -> dict[str, float]:
    """Return deliveries a second, and the delay from send to delivery, of messages that come in on many WebSockets, one
    by one, and go to WebSockets and, where they are served, to event streams."""
    figures = await _senders(target, load, "ws")
    return figures if target.dialect.events is None else figures | await _senders(target, load, "sse")


async def _senders(target: Target, load: Load, transport: str) -> dict[str, float]:
    await settled(target.pid)
    async with crowd(target, fresh(transport=transport), load.subscribers) as followers:
        speakers = await _speakers(target, followers, load.senders)
        clock = Clock(followers, _LISTENED_TO)
        started, used = perf_counter(), processor_time(target.pid)
        try:
            sent = await _speak(target, followers, speakers, clock, load)
            await followers.until(sent)
            took, spent = perf_counter() - started, used_since(used, target.pid)
        finally:
            for speaker in speakers:
                speaker.close()
        followers.stream.check(sent, len(speakers))
    name = f"senders_{transport}"
    figures = {name: sent * load.subscribers / took, f"{name}_p99": clock.delays().p99}
    return figures if spent is None else figures | {f"{name}_cost": spent / sent / load.subscribers * 1e6}


async def _speakers(target: Target, followers: Crowd, count: int) -> list[Speaker]:
    dialect = target.dialect
    speakers: list[Speaker] = []
    try:
        for number in range(count):
            path = dialect.path("ws", followers.following.topic, f"speaker-{number}") or ""
            speaker = Speaker(target.address, path, dialect.greeting, dialect.welcome)
            speakers.append(speaker)
            await speaker.open(target.address)
    except BaseException:
        for speaker in speakers:
            speaker.close()
        raise
    return speakers


async def _speak(target: Target, followers: Crowd, speakers: list[Speaker], clock: Clock, load: Load) -> int:
    """Send as many messages as are due, each when it is due; return how many that were."""
    following = followers.following
    total = max(2, round(load.sent_rate * load.seconds))
    started = perf_counter()
    for number in range(total):
        if (early := started + number / load.sent_rate - perf_counter()) > 0:
            await asyncio.sleep(early)
        if number % 10 == 0:
            if perf_counter() - started > 2 * load.seconds:
                return number
            await followers.until(number - _ON_THE_WAY)
        clock.sent[number] = perf_counter()
        text = target.dialect.saying(following.topic, f"{following.mark}{number};")
        speakers[number % len(speakers)].say(text)
    return total


def _percentile(values: Sequence[float], percent: int) -> float:
    """Return the percentile of `values` (s) in ms."""
    return statistics.quantiles(values, n=100)[percent - 1] * 1_000
