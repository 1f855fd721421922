"""The counts of one node, and the look that is made of those of all nodes. Pure: no clock, no engine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from msgspec import UNSET, Struct

from quart_app.domains.operations import rules
from quart_app.domains.operations.events import Look, Spread
from quart_app.realtime import NodesHeard

Amount = TypeVar("Amount", int, float)


class Tally(Struct, frozen=True):
    """What the node `tag` had counted at `at` (s of its monotonic clock), and what there was then.

    Four are counts of histograms, by bucket: `delivery`, `commits`, `commands`, `loop_lag`.
    """

    tag: str
    at: float
    uptime: float
    cpu: float
    published: dict[str, int]
    sent: dict[str, int]
    sent_bytes: int
    received: int
    units: float
    delivery: list[int]
    commits: list[int]
    commands: list[int]
    loop_lag: list[int]
    connections: dict[str, int]
    topics: int
    relay_lag: int
    behind: int
    opened: int
    closed: int
    errors: int
    noted: int
    resets: int
    gaps: int
    dropped: int
    tail_events: int
    tail_bytes: int
    memory: int | None


class Between(NamedTuple):
    """Two tallies of one node; the same twice where there is no earlier one that tells something."""

    last: Tally
    now: Tally

    @property
    def seconds(self) -> float:
        return self.now.at - self.last.at


def between(last: Mapping[str, Tally], now: Sequence[Tally]) -> list[Between]:
    """Return what lies between the tallies of before, by the tags of their nodes, and those of now."""
    found = [Between(last.get(tally.tag, tally), tally) for tally in now]
    return [one if one.seconds <= rules.STALE else Between(one.now, one.now) for one in found]


def look_at(nodes: Sequence[Between], bounds: Sequence[float], heard: NodesHeard | None) -> Look:
    """Return the look at all nodes, of which this one is the first. `bounds` are those of the histograms (s)."""
    now = [node.now for node in nodes]

    def spread(counts: Callable[[Tally], Sequence[int]]) -> Spread:
        before, after = (_added(map(counts, some)) for some in ((node.last for node in nodes), now))
        return rules.spread(bounds, before, after)

    def rate(count: Callable[[Tally], float]) -> float:
        return round(sum(rules.rate(count(one.last), count(one.now), one.seconds) for one in nodes), 2)

    commits = sum(sum(one.now.commits) - sum(one.last.commits) for one in nodes)
    own, memory = nodes[0], [one.memory for one in now if one.memory is not None]
    return Look(
        uptime=max(one.uptime for one in now),
        connections=_summed(one.connections for one in now),
        topics=sum(one.topics for one in now),
        published=rules.per_second(own.last.published, own.now.published, own.seconds),
        delivered=_summed(rules.per_second(one.last.sent, one.now.sent, one.seconds) for one in nodes),
        received=rate(lambda one: one.received),
        sent_bytes=rate(lambda one: one.sent_bytes),
        commits=rate(lambda one: sum(one.commits)),
        group=round(sum(one.now.units - one.last.units for one in nodes) / commits, 2) if commits else None,
        delivery=spread(lambda one: one.delivery),
        commit=spread(lambda one: one.commits),
        command=spread(lambda one: one.commands),
        loop_lag=spread(lambda one: one.loop_lag),
        relay_lag=max(one.relay_lag for one in now),
        behind=sum(one.behind for one in now),
        opened=sum(one.opened for one in now),
        closed=sum(one.closed for one in now),
        errors=sum(one.errors for one in now),
        noted=sum(one.noted for one in now),
        resets=sum(one.resets for one in now),
        gaps=sum(one.gaps for one in now),
        dropped=sum(one.dropped for one in now),
        tail_events=sum(one.tail_events for one in now),
        tail_bytes=sum(one.tail_bytes for one in now),
        memory=sum(memory) if memory else None,
        cpu=rate(lambda one: one.cpu),
        nodes=UNSET if heard is None else heard,
    )


def _added(counts: Iterable[Sequence[int]]) -> list[int]:
    return [sum(bucket) for bucket in zip(*counts, strict=True)]


def _summed(amounts: Iterable[Mapping[str, Amount]]) -> dict[str, Amount]:
    total: dict[str, Amount] = {}
    for one in amounts:
        for name, amount in one.items():
            total[name] = round(total.get(name, 0) + amount, 2)
    return total
