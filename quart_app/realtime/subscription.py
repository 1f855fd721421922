"""A cursor into the log and the bus: what one subscriber has read, and reading on from there.

At the head it waits for the bus to hand it the next batch. Behind, it reads the topics' tails, or
the log where they do not reach back far enough. Replay at connect is the same path. Whether its
reader is fast or stalled, it holds no events.
"""

import asyncio
import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from time import perf_counter
from typing import Final

from quart_app.realtime import limits
from quart_app.realtime.audience import Audience
from quart_app.realtime.batch import Batch, Marks, one_batch, visible
from quart_app.realtime.bus import Bus
from quart_app.realtime.event import Event, Message, message
from quart_app.realtime.log import EventLog, Trimmed
from quart_app.realtime.outlet import Outlet
from quart_app.realtime.tail import Topic
from quart_app.realtime.topic import Kind
from quart_app.wire import Cursor

_by_position = attrgetter("position")
_by_sequence = attrgetter("sequence")

WRITTEN: Final = Batch(())
"""What a reader gets who was written to, and cannot be written to again before that has gone."""


class Backlogged(Exception):
    """The reader does not take its direct messages."""


class Subscription:
    """One reader of a set of topics.

    Durable events come in position order, each once, none missing; a `reset` message tells where
    that cannot be kept. `user_id` is whose hidden events are left out.
    """

    __slots__ = (
        "_audience", "_began", "_bus", "_closed", "_direct", "_holds", "_joined", "_log", "_marks", "_reset",
        "_stride", "_version", "_waiter", "dropped", "outlet", "user_id",
    )  # fmt: skip

    def __init__(self, bus: Bus, log: EventLog, topics: Iterable[str], user_id: str, marks: Marks) -> None:
        self._bus = bus
        self._log = log
        self.user_id = user_id
        self._marks = marks
        self._joined: dict[str, int] = {}
        self._direct: list[Message] = []
        self._reset: str | None = None
        self._waiter: asyncio.Future[Batch | None] | None = None
        self._closed = False
        self._holds = 0
        self._began = perf_counter()
        self._stride = min(limits.LOG_READ_FIRST, limits.LOG_READ_EVENTS)
        self.dropped = 0
        self.outlet = Outlet()
        self._audience: Audience = bus.audience(topics)
        self._version = -1
        bus.join(self._audience)

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(topic.name for topic in self._audience.topics)

    @property
    def position(self) -> int:
        """Up to where it has everything, though its last event may be long before that."""
        if self.outlet.streaming:
            return self._bus.position
        behind = self._audience.version - self._version
        if self._closed or behind > 1:
            return self._marks.position
        return self._bus.position if behind == 0 else max(self._marks.position, self._audience.reached)

    @property
    def behind(self) -> bool:
        """Whether there is something that it has not read."""
        return not (self._closed or self.outlet.streaming) and self._version != self._audience.version

    @property
    def lag(self) -> int:
        """Positions between the head and where it stands."""
        return self._bus.position - self.position

    def starts(self, topic: str) -> int:
        """The position after which events of `topic` still come."""
        return max(self.position, self._joined.get(topic, 0))

    @property
    def idle(self) -> bool:
        """Whether its reader waits for something to read."""
        return self._waiter is not None and not self._waiter.done()

    @property
    def owes(self) -> int:
        """How many direct messages its reader has not taken yet."""
        return len(self._direct)

    @property
    def cursor(self) -> Cursor:
        return self._log.cursor(self.position)

    @property
    def full_cursor(self) -> Cursor:
        """With the counts of transient events, for a reader that comes back with it."""
        marks = self._audience.marks if self.outlet.streaming else self._marks
        seen = tuple(marks.seen.get(name, 0) for name in self.topics)
        return self.cursor._replace(run=self._bus.counts_of(self.topics), seen=seen)

    # Writing to it

    def send(self, *messages: Message) -> None:
        """Messages for this reader alone; they go out before any event not read yet.

        Raises Backlogged when the reader has left too many of them untaken.
        """
        if len(self._direct) + len(messages) > limits.REPLY_BACKLOG:
            raise Backlogged
        self._direct += messages
        if self.outlet.writable and self.idle:
            self._bus.push_soon(self)
        else:
            self.wake()

    def push(self) -> None:
        """Write the direct messages, if the reader still waits."""
        if self._direct and self.idle:
            direct, self._direct = self._direct, []
            if not self.outlet.write(direct):
                self.written()

    def written(self) -> None:
        """What was written last has to go before it can be written to again."""
        self.wake(WRITTEN)

    def forget_direct(self) -> list[Message]:
        """Take back the direct messages that were not read yet."""
        forgotten, self._direct = self._direct, []
        return forgotten

    def reset(self, reason: str) -> None:
        """Tell the reader that its cursor cannot be honoured; it goes on from the head."""
        self._reset = reason
        self.wake()

    def wake(self, batch: Batch | None = None) -> None:
        """Hand its reader, if one waits, the next batch, or None: look yourself."""
        if self._waiter is not None:
            self._stand_apart()
            if not self._waiter.done():  # its reader may be cancelled just now
                self._waiter.set_result(batch)

    def _stand_with_others(self) -> None:
        """Wait at the head, to read or to be written to."""
        if self.outlet.writable and not self._holds:
            self.outlet.join(self._audience, self)
        else:
            self._audience.waiting[self] = None

    def _stand_apart(self) -> None:
        """Leave those who wait, from where it stands now."""
        if self.outlet.leave(self):
            marks = self._audience.marks
            self._marks = Marks(max(marks.position, self._bus.position), marks.seen)
            self._version = self._audience.version
        else:
            self._audience.waiting.pop(self, None)

    def start_now(self, topics: Collection[str]) -> None:
        """Leave out what happened in `topics` before now."""
        self.wake()
        self._marks = Marks(self._marks.position, {**self._marks.seen, **transient_marks(self._bus, topics)})
        self._joined |= dict.fromkeys(topics, self._bus.position)

    def add(self, topic: str) -> None:
        """Follow one more topic, from now on."""
        self.start_now([topic])
        self._move((*self.topics, topic))

    def remove(self, topic: str) -> None:
        """Follow one topic less."""
        self._joined.pop(topic, None)
        self._move([name for name in self.topics if name != topic])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hand out nothing but direct messages meanwhile: the welcome to a topic comes before its first event."""
        self._holds += 1
        self.wake()
        try:
            yield
        finally:
            self._holds -= 1
            self.wake()

    def _move(self, topics: Iterable[str]) -> None:
        if self._closed:
            return
        self.wake()
        self._marks = Marks(self.position, self._marks.seen)
        previous = self._audience
        self._audience = self._bus.audience(topics)
        self._bus.join(self._audience)
        self._bus.leave(previous)
        self._version = -1

    def close(self) -> None:
        """Nothing is published to it any more; what was sent to it directly can still be read."""
        if not self._closed:
            self.wake()
            self._marks = Marks(self.position, self._marks.seen)
            self._closed = True
            self._bus.leave(self._audience)

    # Reading from it

    async def read(self) -> Batch | None:
        """The next batch, as soon as there is one; None when the subscription is closed.

        Where the `outlet` is open, what comes meanwhile is written and not returned; WRITTEN tells the reader to let
        that go first.
        """
        while True:
            batch = await self.read_now()
            if batch is None:
                if self._closed:
                    return None
                batch = await self._wait()
                if batch is not None and batch is not WRITTEN:
                    batch = self._taken(batch)
            if batch is not None:
                return batch

    async def _wait(self) -> Batch | None:
        self._waiter = asyncio.get_running_loop().create_future()
        self._stand_with_others()
        try:
            return await self._waiter
        finally:
            self._waiter = None
            self._stand_apart()  # where the reader was cancelled

    def _taken(self, batch: Batch) -> Batch | None:
        """The batch of the bus as this reader gets it, None where all of it is hidden."""
        news = batch.news
        if news is None or news.version != self._version + 1:
            return None  # it stands elsewhere, or follows other topics by now: the events are in the tails
        if self._direct or self._reset or self._closed or self._holds:
            return None  # those come first; the events are in the tails
        self._marks, self._version = news.marks, news.version
        if self.user_id in batch.hidden_from:
            batch = batch.without(self.user_id)
        return batch if batch.messages else None

    async def read_now(self) -> Batch | None:
        """The next batch if there is one already, else None."""
        while True:
            held = self._closed or self._holds
            # A reset goes out with the welcome before it, so that nobody takes the one and not the other.
            reset = [] if held or self._reset is None else [self._tell_reset(self._reset)]
            if self._direct or reset:
                direct, self._direct = self._direct, []
                return Batch(direct + reset)
            if held:
                return None
            if self._version == self._audience.version:
                return None
            if self._tails_reach_back():
                batch = self._read_tails()
            else:
                batch = await self._read_log()
            if batch is not None:
                return batch

    def _tell_reset(self, reason: str) -> Message:
        self._reset = None
        self._bus.counters.resets += 1
        # A client that starts afresh gets the states' values again, as one that connects does.
        values = {topic.name: 0 for topic in self._audience.topics if topic.kind is Kind.STATE}
        self._marks, self._version = Marks(self._bus.position, {**self._marks.seen, **values}), -1
        return message("reset", id=str(self.cursor), data={"reason": reason})

    def _tails_reach_back(self) -> bool:
        return all(
            topic.durable.floor <= self.starts(topic.name)
            for topic in self._audience.topics
            if topic.kind is Kind.DURABLE
        )

    def _read_tails(self) -> Batch | None:
        marks, version = self._audience.marks_at(self._bus.position), self._audience.version
        durable: list[Event] = []
        transient: list[Event] = []
        gaps: list[Message] = []
        for topic in self._audience.topics:
            seen = self._marks.seen.get(topic.name, 0)
            if topic.kind is Kind.STATE:
                transient += [value for value in topic.state.values() if value.ordinal > seen]
            else:
                durable += topic.durable.after(self.starts(topic.name))
                transient += topic.signals.after(seen)
                gaps += self._gap(topic, topic.signals.floor - max(seen, topic.first))
        durable.sort(key=_by_position)
        transient.sort(key=_by_sequence)
        # What was recalled from the log has no sequence; merging leaves the order of each of the two as it is.
        events = list(heapq.merge(durable, transient, key=_by_sequence)) if transient else durable
        kept = one_batch(events)
        if kept < len(events):
            events = events[:kept]
            marks = self._marks_after(events, gaps_told=bool(gaps))
        else:
            self._version = version
        self._marks = marks
        messages = gaps + visible(events, self.user_id)
        self._count_delay(events)
        return Batch(messages) if messages else None

    def _count_delay(self, events: Sequence[Event]) -> None:
        """Of what came too fast for its reader; what happened before it came is no delay."""
        if events and events[0].arrived > self._began:
            self._bus.counters.delivery.observe(perf_counter() - events[0].arrived)

    def _gap(self, topic: Topic, dropped: int) -> list[Message]:
        if dropped <= 0:
            return []
        self.dropped += dropped
        self._bus.counters.gaps += 1
        self._bus.counters.dropped += dropped
        return [message("gap", topic=topic.name, data={"dropped": dropped})]

    def _marks_after(self, events: Sequence[Event], *, gaps_told: bool) -> Marks:
        """Where this reader stands when it has read `events`, the first of what the tails hold."""
        position, seen = self.position, dict(self._marks.seen)
        if gaps_told:
            for topic in self._audience.topics:
                seen[topic.name] = max(seen.get(topic.name, 0), topic.signals.floor)
        for event in events:
            if event.position:
                position = event.position
            else:
                seen[event.topic] = event.ordinal
        return Marks(position, seen)

    async def _read_log(self) -> Batch | None:
        audience = self._audience
        topics = [topic.name for topic in audience.topics if topic.kind is Kind.DURABLE]
        try:
            async with self._bus.log_reads:
                if audience is not self._audience or self._tails_reach_back() or await self._recall():
                    return None  # the tails, of which others may have recalled more meanwhile
                after, until = self.position, self._bus.position
                events = await self._log.read(topics, after, until, self._stride)
        except Trimmed:
            self._reset = "trimmed"
            return None
        if audience is not self._audience or self._holds or self._closed:
            return None  # it stands elsewhere by now, and reads again from there
        kept = one_batch(events)
        all_read = kept == len(events) < self._stride
        # Large events fill a batch with few of them: next time no more are read than are taken.
        self._stride = kept if kept < len(events) else min(2 * self._stride, limits.LOG_READ_EVENTS)
        events = events[:kept]
        self._marks = Marks(until if all_read else events[-1].position, self._marks.seen)
        wanted = [event for event in events if event.position > self._joined.get(event.topic, 0)]
        # What was sent meanwhile knows nothing of these events, so it goes first.
        direct, self._direct = self._direct, []
        messages = direct + visible(wanted, self.user_id)
        return Batch(messages) if messages else None

    async def _recall(self) -> bool:
        """Let a tail that begins too late, and that others follow too, reach further back; whether one does now.

        When everybody comes back after a restart, a few read the log, and the rest memory.
        """
        for topic in self._audience.topics:
            tail = topic.durable
            if topic.kind is not Kind.DURABLE or tail.full or tail.floor <= self.starts(topic.name):
                continue
            if sum(audience.members for audience in topic.audiences) > 1:
                floor = tail.floor
                events, after = await self._log.newest(topic.name, floor, self._stride)
                if tail.floor == floor and after < floor:
                    tail.recall(events, after)
                if tail.floor < floor:
                    self._stride = min(2 * self._stride, limits.LOG_READ_EVENTS)
                    return True
        return False


def transient_marks(bus: Bus, topics: Iterable[str]) -> dict[str, int]:
    """The counts of one who hears signals from now on and has seen no state's value."""
    return {topic.name: 0 if topic.kind is Kind.STATE else topic.count for topic in bus.audience(topics).topics}
