"""How the cost of an event and of a delivery grows: with subscribers, topics of each, message size and backlog.

The cost is the processor time of the server's process, as the system counts it: neither the load nor waiting is in
it, and what else the machine does only as far as it takes the caches away.
"""

import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from quart_app.cli.bench.crowd import Crowd, crowd, fresh
from quart_app.cli.bench.fan_out import from_inside
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import carry_out
from quart_app.cli.bench.process import processor_time, used_since
from quart_app.cli.bench.storing import come_back, fill
from quart_app.cli.bench.stream import BenchError
from tests.bench.comparing import Say
from tests.bench.contenders import BARE, OURS, named
from tests.bench.drawing import Lines, line_chart
from tests.bench.servers import pinned, running

_ON_THE_WAY: Final = 200_000  # bytes of one topic's messages: less than a server keeps in memory
_MESSAGE: Final = 120  # bytes of one without padding, about
_BACK: Final = 100  # clients that come back

Points = list[tuple[float, float]]
"""(how many, µs)"""
Curves = dict[str, dict[str, Points]]
"""By the name of the curve, and the server."""


@dataclass(frozen=True)
class Extent:
    """How far the curves go, and how long each of their points is measured."""

    subscribers: tuple[int, ...] = (10, 100, 1_000, 10_000)
    topics: tuple[int, ...] = (1, 10, 99)
    sizes: tuple[int, ...] = (100, 1_000, 10_000)
    backlogs: tuple[int, ...] = (100, 1_000, 10_000)
    crowd: int = 200
    seconds: float = 1.5


def curves(extent: Extent, say: Say) -> Curves:
    """All points. Raises BenchError."""
    found: Curves = {"event": {}, "delivery": {}}
    for name in (OURS, BARE):
        say(f"curves: {name}, by subscribers")
        by_event, by_delivery = _on(name, partial(_by_subscribers, extent=extent))
        found["event"][name], found["delivery"][name] = by_event, by_delivery
    say(f"curves: {OURS}, by topics, sizes and backlogs")
    rest: Curves = _on(OURS, partial(_by_the_rest, extent=extent))
    return found | rest


def _on(name: str, work: Callable[[Target], Coroutine[Any, Any, Any]]) -> Any:
    with tempfile.TemporaryDirectory() as folder, running(named(name), Path(folder)) as target, pinned(1):
        return carry_out(work(target))


async def _by_subscribers(target: Target, extent: Extent) -> tuple[Points, Points]:
    """Per event, and per delivery."""
    by_event: Points = []
    by_delivery: Points = []
    for size in extent.subscribers:
        async with crowd(target, fresh(), size) as followers:
            cost = await _cost(target, followers, extent.seconds, max(10, min(1_000, 100_000 // size)))
        by_event.append((size, cost))
        by_delivery.append((size, cost / size))
    return by_event, by_delivery


async def _by_the_rest(target: Target, extent: Extent) -> Curves:
    return {
        "topics": {OURS: await _by_topics(target, extent)},
        "sizes": {OURS: await _by_sizes(target, extent)},
        "backlogs": {OURS: await _by_backlogs(target, extent)},
    }


async def _by_topics(target: Target, extent: Extent) -> Points:
    points: Points = []
    for count in extent.topics:
        one = fresh()
        others = "".join(f"&topic={quote(f'{one.topic}-{number}')}" for number in range(1, count))
        # One welcome for all of them, then one of each.
        following = replace(
            one, path=f"/ws?topic={quote(one.topic)}{others}&user_id=bench", welcomes=count + (count > 1)
        )
        async with crowd(target, following, extent.crowd) as followers:
            cost = await _cost(target, followers, extent.seconds, 100)
        points.append((count, cost / extent.crowd))
    return points


async def _by_sizes(target: Target, extent: Extent) -> Points:
    points: Points = []
    for size in extent.sizes:
        async with crowd(target, fresh(), extent.crowd) as followers:
            pad = max(0, size - _MESSAGE)
            cost = await _cost(target, followers, extent.seconds, min(100, _ON_THE_WAY // 2 // size), pad)
        points.append((size, cost / extent.crowd))
    return points


async def _by_backlogs(target: Target, extent: Extent) -> Points:
    points: Points = []
    for missed in extent.backlogs:
        following = fresh("log")
        since = await fill(target, following, missed)
        before = processor_time(target.pid)
        await come_back(target, following, since, (_BACK, missed))
        points.append((missed, (used_since(before, target.pid) or 0.0) / (_BACK * missed) * 1e6))
    return points


async def _cost(target: Target, followers: Crowd, seconds: float, list_size: int, pad: int = 0) -> float:
    """What an event costs the server (µs)."""
    rate = await from_inside(target, followers, seconds, list_size=list_size, pad=pad)
    if rate.used is None:
        raise BenchError("this system does not tell what a process uses")
    return rate.used / rate.published * 1e6


def curves_chart(found: Curves) -> str:
    """Small multiples. SVG."""
    panels = [
        Lines("An event, one per loop turn", "subscribers", "µs of the server's core", found["event"]),
        Lines("A delivery", "subscribers", "µs", found["delivery"]),
        Lines("A delivery, topics of each subscriber", "topics", "µs", found["topics"]),
        Lines("A delivery, size of the message", "bytes", "µs", found["sizes"]),
        Lines("A delivery to one who comes back, with connecting", "events it missed", "µs", found["backlogs"]),
    ]
    described = "; ".join(
        f"{panel.title}, {name}: {', '.join(f'{y:.2f} µs at {x:,g}' for x, y in points)}"
        for panel in panels
        for name, points in panel.series.items()
    )
    return line_chart("What an event and a delivery cost En Vivo as things grow", described, panels)
