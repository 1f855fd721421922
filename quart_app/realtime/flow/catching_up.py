"""Reading on for a subscription that is behind: from the tails in memory, or from the log where they do not reach back.

These functions are told where a reader stands, and return what comes next; the subscription keeps the result.
"""

import heapq
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from quart_app.realtime import limits
from quart_app.realtime.flow.log import EventLog
from quart_app.realtime.flow.topic_memory import TopicMemory
from quart_app.realtime.messages.batch import Place, fitting
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind

TopicMemories = Sequence[TopicMemory]
Starts = Mapping[str, int]
"""The position of each topic, by its name, after which its events are still to come."""

_by_position = attrgetter("position")
_by_sequence = attrgetter("sequence")


class Unread(NamedTuple):
    """The `events` that a reader gets next, and the `place` where it stands then.

    `gaps` tells by topic how many signals are lost to it. `all_read` tells whether nothing is left.
    """

    events: Sequence[Event]
    place: Place
    all_read: bool
    gaps: Mapping[str, int]


class LogPage(NamedTuple):
    """Events of the log, in order; all there are up to `position`."""

    events: Sequence[Event]
    position: int


def tails_reach_back(topics: TopicMemories, starts: Starts) -> bool:
    """Return whether the tails of the durable topics hold everything that is still to come."""
    return all(topic.durable.floor <= starts[topic.name] for topic in topics if topic.kind is Kind.DURABLE)


def read_tails(topics: TopicMemories, place: Place, starts: Starts, head: Place) -> Unread:
    """Return what a reader at `place` gets next from tails that reach back, up to the size of a batch."""
    durable: list[Event] = []
    transient: list[Event] = []
    gaps: dict[str, int] = {}
    for topic in topics:
        seen = place.seen.get(topic.name, 0)
        if topic.kind is Kind.STATE:
            transient += [value for value in topic.state.values() if value.ordinal > seen]
            continue
        durable += topic.durable.after(starts[topic.name])
        transient += topic.signals.after(seen)
        # Who has seen 0 came when the count was not known, and starts with what came then.
        if seen and (dropped := topic.signals.floor - max(seen, topic.first)) > 0:
            gaps[topic.name] = dropped
    events = _in_order(durable, transient)
    kept = fitting(events)
    if kept == len(events):
        return Unread(events, head, all_read=True, gaps=gaps)
    seen_by_then = {**place.seen, **{topic.name: topic.signals.floor for topic in topics if topic.name in gaps}}
    return Unread(events[:kept], _place_after(events[:kept], place.position, seen_by_then), all_read=False, gaps=gaps)


def _in_order(durable: list[Event], transient: list[Event]) -> list[Event]:
    durable.sort(key=_by_position)
    if not transient:
        return durable
    transient.sort(key=_by_sequence)
    # What was recalled from the log has no sequence; merging leaves the order of each of the two as it is.
    return list(heapq.merge(durable, transient, key=_by_sequence))


def _place_after(events: Sequence[Event], position: int, seen: dict[str, int]) -> Place:
    for event in events:
        if event.position:
            position = event.position
        else:
            seen[event.topic] = event.ordinal
    return Place(position, seen)


class LogReader:
    """A reader of the log for one subscription: few events at first, each of which may be as large as a message may be,
    and more at once where they turn out to be small."""

    __slots__ = ("_log", "_stride")

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._stride = min(limits.LOG_READ_FIRST, limits.LOG_READ_EVENTS)

    async def read(self, topics: TopicMemories, after: int, until: int) -> LogPage:
        """Return the next events of `topics` above `after`, up to the size of a batch. Raise Trimmed."""
        names = [topic.name for topic in topics if topic.kind is Kind.DURABLE]
        events = await self._log.read(names, after, until, self._stride)
        kept = fitting(events)
        all_read = kept == len(events) < self._stride
        # Large events fill a batch with few of them: next time no more are read than are taken.
        self._stride = kept if kept < len(events) else min(2 * self._stride, limits.LOG_READ_EVENTS)
        return LogPage(events[:kept], until if all_read else events[kept - 1].position)

    async def recall(self, topics: TopicMemories, starts: Starts) -> bool:
        """Let a tail that begins too late, and that others follow too, reach further back; return whether one does now.

        When everybody comes back after a restart, a few read the log, and the rest memory.
        """
        for topic in topics:
            tail = topic.durable
            if topic.kind is not Kind.DURABLE or tail.full or tail.floor <= starts[topic.name]:
                continue
            if topic.followers > 1:
                floor = tail.floor
                events, after = await self._log.newest(topic.name, floor, self._stride)
                if tail.floor == floor and after < floor:
                    tail.recall(events, after)
                if tail.floor < floor:
                    self._stride = min(2 * self._stride, limits.LOG_READ_EVENTS)
                    return True
        return False
