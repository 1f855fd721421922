"""The subscriptions to one set of topics: those that wait to read, and those that are written to as events come."""

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from quart_app.realtime import limits
from quart_app.realtime.batch import Batch, Marks, News
from quart_app.realtime.event import Event
from quart_app.realtime.tail import Topic

if TYPE_CHECKING:
    from quart_app.realtime.subscription import Subscription

Write = Callable[[bytes], bool]
"""Writes at once, and says whether it may write more."""

_by_sequence = attrgetter("sequence")


class Stream:
    """Those of an audience who are written to in one `form`, which is an attribute of a batch.

    Each stands where the audience stands, and was sent since it came what the stream was since: so nothing is noted for
    each of them, and a delivery is one call. `messages` and `bytes` count from the beginning, `at` is when the last
    was sent (s, the loop's clock).
    """

    __slots__ = ("at", "bytes", "joined", "messages", "writes")

    def __init__(self, form: str) -> None:
        self.joined: Callable[[Batch], bytes] = attrgetter(form)
        self.writes: dict[Subscription, Write] = {}
        self.messages = 0
        self.bytes = 0
        self.at = 0.0

    def write(self, batch: Batch) -> int:
        """Write the batch to all; returns to how many."""
        written, data = len(self.writes), self.joined(batch)
        self.messages += len(batch.messages)
        self.bytes += len(data)
        self.at = batch.at
        for subscription in [subscription for subscription, write in self.writes.items() if not write(data)]:
            subscription.written()
        return written


class Audience:
    """What one of its subscriptions gets, all get.

    `version` counts what was delivered, `reached` is how far the bus was settled just before that, `marks` are those of
    who has all of it.
    """

    __slots__ = ("marks", "members", "reached", "streams", "topics", "version", "waiting")

    def __init__(self, topics: tuple[Topic, ...]) -> None:
        self.topics = topics
        self.members = 0
        self.version = 1
        self.reached = 0
        self.marks = self.marks_at(0)
        self.waiting: dict[Subscription, None] = {}
        self.streams: dict[str, Stream] = {}

    def stream(self, form: str) -> Stream:
        """That of those who are written to in this form."""
        stream = self.streams.get(form)
        if stream is None:
            stream = self.streams[form] = Stream(form)
        return stream

    def deliver(self, news: Mapping[Topic, list[Event]], reached: int, position: int) -> int:
        """Hand the `news` of its topics, settled after `reached` up to `position`, to everyone who stands at the head;
        returns how many got it."""
        marks = self.marks_at(position)
        parts = [news[topic] for topic in self.topics if topic in news]
        batch = self._batch(parts, marks)
        handed = self._wake(batch)
        self.version += 1
        self.reached = reached
        self.marks = marks
        if batch is None:
            return 0
        return handed + sum(stream.write(batch) for stream in self.streams.values() if stream.writes)

    def _batch(self, parts: Sequence[list[Event]], marks: Marks) -> Batch | None:
        """What all get, None where it is too large or there is nobody."""
        if not self.waiting and not any(stream.writes for stream in self.streams.values()):
            return None
        events = parts[0] if len(parts) == 1 else list(heapq.merge(*parts, key=_by_sequence))
        if len(events) > limits.BATCH_EVENTS or sum(event.size for event in events) > limits.BATCH_BYTES:
            return None
        return Batch(events, News(self.version + 1, marks), asyncio.get_running_loop().time())

    def _wake(self, batch: Batch | None) -> int:
        """Hand a batch to those who read it themselves: who waits for it, and from whom some of it is hidden; None to
        everyone, to look. Returns how many."""
        readers = list(self.waiting)
        hidden_from = None if batch is None else batch.hidden_from
        if hidden_from is None or hidden_from:
            for stream in self.streams.values():
                readers += [one for one in stream.writes if hidden_from is None or one.user_id in hidden_from]
        for subscription in readers:
            subscription.wake(batch)
        return len(readers)

    def marks_at(self, position: int) -> Marks:
        """Where a subscription at the head stands."""
        return Marks(position, {topic.name: topic.count for topic in self.topics})

    def interrupt(self, reached: int) -> None:
        """Something else than news came after `reached`: let everyone who stands at the head look for it."""
        self._wake(None)
        self.version += 1
        self.reached = reached
