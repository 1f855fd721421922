"""The readers of one set of topics: those that wait to read, and those that are written to as events come."""

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Protocol

from quart_app.realtime import limits
from quart_app.realtime.flow.topic_memory import TopicMemory
from quart_app.realtime.messages.batch import NOWHERE, Batch, Form, Place
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind

_by_sequence = attrgetter("sequence")
logger = logging.getLogger(__name__)

Write = Callable[[bytes], object]
"""What writes to one peer at once, without waiting."""


class Reader(Protocol):
    """Somebody who stands at the head of an audience's topics."""

    user_id: str
    """The user whose hidden events this reader does not get."""

    def wake(self, batch: Batch | None = None) -> None:
        """Take the next batch; None means that the reader has to look by itself for what there is."""

    def push(self) -> None:
        """Write the messages that are for this reader alone."""

    def fail(self) -> None:
        """Note that writing has failed."""


class Stream:
    """The readers of an audience that get one wire form by direct write.

    All of them stand at the audience's head, so that position and counters are kept once: a reader's totals are those
    of the stream minus what they were when it came. A delivery is one call, and nothing is noted for each reader: one
    that is not to be written to any more leaves. `messages` and `bytes` count from the beginning; `at` is when the last
    message was written (s, the loop's clock).
    """

    __slots__ = ("at", "bytes", "form", "messages", "writes")

    def __init__(self, form: Form) -> None:
        self.form = form
        self.writes: dict[Reader, Write] = {}
        self.messages = 0
        self.bytes = 0
        self.at = 0.0

    def write(self, batch: Batch) -> int:
        """Write the batch to all readers; return how many there were."""
        written, data = len(self.writes), batch.encoded(self.form)
        self.messages += len(batch.messages)
        self.bytes += len(data)
        self.at = batch.at
        for reader, write in list(self.writes.items()):  # a reader that is full by this leaves at once
            try:
                write(data)
            except Exception:  # whoever else is written to in the same turn has to get it all the same
                logger.exception("a connection could not be written to")
                reader.fail()
        return written


class Audience:
    """The readers of the same topics: what one of them gets, all get.

    `names` are those of its topics, in their order. `version` counts the deliveries, `reached` is the position up to
    which the bus was settled just before the last one, and `place` is where a reader stands who has all of it.
    """

    __slots__ = ("members", "names", "place", "reached", "streams", "topics", "version", "waiting")

    def __init__(self, topics: tuple[TopicMemory, ...]) -> None:
        self.topics = topics
        self.names = tuple(topic.name for topic in topics)
        self.members = 0
        self.version = 1
        self.reached = 0
        self.place: Place = NOWHERE
        self.waiting: dict[Reader, None] = {}
        self.streams: dict[Form, Stream] = {}
        self.place = self.head(0)

    def head(self, position: int) -> Place:
        """Return where a reader stands that has everything up to `position`."""
        return Place(position, {topic.name: topic.count for topic in self.topics})

    def lacks(self, place: Place) -> Mapping[str, int]:
        """Return of which topics more has been seen at `place` than there is here, and how much; a state of which
        nothing is heard here goes on above that."""
        lacking: dict[str, int] = {}
        for topic in self.topics:
            seen = place.seen.get(topic.name, 0)
            if topic.kind is Kind.STATE and not topic.known:
                topic.meet(seen)
            elif seen > topic.count:
                lacking[topic.name] = seen
        return lacking

    def counted(self, place: Place) -> tuple[int, ...]:
        """Return the counts of a place as a cursor has them. It has none of a state some of whose values may be
        elsewhere only, because they may have lower numbers."""
        known = [topic.known or topic.kind is not Kind.STATE for topic in self.topics]
        return tuple(place.seen.get(name, 0) if there else 0 for name, there in zip(self.names, known, strict=True))

    def stream(self, form: Form) -> Stream:
        """Return the stream of the readers that are written to in this form."""
        stream = self.streams.get(form)
        if stream is None:
            stream = self.streams[form] = Stream(form)
        return stream

    def deliver(self, news: Mapping[TopicMemory, list[Event] | None], reached: int, position: int) -> int:
        """Hand the `news` of its topics, settled after `reached` up to `position`, to every reader at the head.

        News that are None have to be looked for by each reader. Return how many readers got them.
        """
        place = self.head(position)
        batch = self._batch([news[topic] for topic in self.topics if topic in news], place)
        handed = self._wake(batch)
        self.version += 1
        self.reached = reached
        self.place = place
        if batch is None:
            return 0
        return handed + sum(stream.write(batch) for stream in self.streams.values() if stream.writes)

    def interrupt(self, reached: int) -> None:
        """Make every reader at the head look for what came after `reached`, because it will not be delivered."""
        self._wake(None)
        self.version += 1
        self.reached = reached

    def _batch(self, news: Sequence[list[Event] | None], place: Place) -> Batch | None:
        """Return what all readers get, None where it is too large, something is missing or there is nobody."""
        if not self.waiting and not any(stream.writes for stream in self.streams.values()):
            return None
        parts = [part for part in news if part is not None]
        if len(parts) < len(news):
            return None
        events = parts[0] if len(parts) == 1 else list(heapq.merge(*parts, key=_by_sequence))
        if len(events) > limits.BATCH_EVENTS or sum(event.size for event in events) > limits.BATCH_BYTES:
            return None
        return Batch(events, version=self.version + 1, place=place, at=asyncio.get_running_loop().time())

    def _wake(self, batch: Batch | None) -> int:
        """Hand `batch` to the readers that read for themselves or, where it is None, wake all readers; return how
        many."""
        readers = list(self.waiting)
        for stream in self.streams.values():
            readers += self._to_be_woken(stream.writes, batch)
        for reader in readers:
            reader.wake(batch)
        return len(readers)

    @staticmethod
    def _to_be_woken(streaming: Iterable[Reader], batch: Batch | None) -> Iterable[Reader]:
        """Return the streaming readers that have to read `batch` for themselves: those from whom a part of it is
        hidden."""
        if batch is None:
            return streaming
        hidden_from = batch.hidden_from
        return [reader for reader in streaming if reader.user_id in hidden_from] if hidden_from else ()
