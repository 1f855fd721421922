"""A subscription is a cursor into the log and the bus: it knows what one subscriber has read, and reads on from there.

At the head it waits for the bus to hand it the next batch; behind, it catches up. Replay at connect is the same path.
Whether its reader is fast or stalled, it holds no events.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from quart_app.realtime import limits
from quart_app.realtime.flow.audience import Audience
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.catching_up import LogReader, Unread, read_tails, tails_reach_back
from quart_app.realtime.flow.log import EventLog, Trimmed
from quart_app.realtime.flow.outlet import Outlet
from quart_app.realtime.messages.batch import Batch, Place, visible
from quart_app.realtime.messages.event import Event, Message, message
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from quart_app.wire import Control, Cursor

logger = logging.getLogger(__name__)


class Backlogged(Exception):
    """The reader does not take its direct messages."""


class Subscription:
    """One reader of a set of topics.

    Durable events come in position order, each once, none missing; a `reset` message tells where that cannot be kept.
    `user_id` is the user whose hidden events are left out. Once it is `closed`, no more events come.
    """

    __slots__ = (
        "_ahead", "_audience", "_began", "_bus", "_holds", "_log", "_log_reader", "_own", "_place", "_reset", "_since",
        "_version", "_waiting", "closed", "dropped", "outlet", "user_id",
    )  # fmt: skip

    def __init__(self, bus: Bus, log: EventLog, topics: Iterable[str], user_id: str, place: Place) -> None:
        self._bus = bus
        self._log = log
        self._log_reader = LogReader(log)
        self.user_id = user_id
        self._place = place
        self._since: dict[str, int] = {}
        self._own: list[Message] = []
        self._reset: str | None = None
        self._waiting: Callable[[Batch | None], object] | None = None
        self.closed = False
        self._holds = 0
        self._began = bus.surroundings.time()
        self.dropped = 0
        self.outlet = Outlet()
        self._audience: Audience = bus.audience(topics)
        self._ahead: Mapping[str, int] = self._audience.lacks(place)
        self._version = self._audience.version if place == self._audience.head(bus.position) else -1
        bus.count_in(self._audience)

    @property
    def topics(self) -> tuple[str, ...]:
        """The names of its topics."""
        return self._audience.names

    @property
    def position(self) -> int:
        """Everything up to this position has been read; the newest event of these topics may be older."""
        if self.outlet.streaming:
            return self._bus.position
        behind = self._audience.version - self._version
        if self.closed or behind > 1:
            return self._place.position
        return self._bus.position if behind == 0 else max(self._place.position, self._audience.reached)

    @property
    def behind(self) -> bool:
        """Tell whether there is something that this subscription has not read."""
        return not (self.closed or self.outlet.streaming) and self._version != self._audience.version

    @property
    def lag(self) -> int:
        """The number of positions between this subscription and the head."""
        return self._bus.position - self.position

    def starts(self, topic: str) -> int:
        """Return the position after which events of `topic` still come."""
        return max(self.position, self._since.get(topic, 0))

    def _starts(self) -> dict[str, int]:
        position = self.position
        return {topic: max(position, self._since.get(topic, 0)) for topic in self.topics}

    @property
    def idle(self) -> bool:
        """Tell whether the reader waits for something to read."""
        return self._waiting is not None

    @property
    def owes(self) -> int:
        """The number of direct messages that the reader has not taken yet."""
        return len(self._own)

    @property
    def cursor(self) -> Cursor:
        """The cursor of this subscription's place among the durable events."""
        return self._log.cursor(self.position)

    def cursor_of(self, topic: str) -> Cursor:
        """Return the cursor after which the events of one of the topics still come."""
        return self._log.cursor(self.starts(topic))

    @property
    def full_cursor(self) -> Cursor:
        """The cursor with the counts of transient events, for a reader that comes back with it."""
        place = self._audience.place if self.outlet.streaming else self._place
        return self.cursor._replace(run=self._bus.counts_of(self.topics), seen=self._audience.counted(place))

    # Writing

    def send(self, *messages: Message) -> None:
        """Send messages to this reader alone; they go out before any event that it has not read yet.

        Raise Backlogged when the reader has left too many of them untaken.
        """
        if len(self._own) + len(messages) > limits.REPLY_BACKLOG:
            raise Backlogged
        self._own += messages
        if self.outlet.writable and self.idle:
            self._bus.push_soon(self)
        else:
            self.wake()

    def push(self) -> None:
        """Write the direct messages, if the reader still waits."""
        if self._own and self.idle:
            direct, self._own = self._own, []
            try:
                self.outlet.write(Batch(direct))
            except Exception:  # whoever else is written to in the same turn has to get it all the same
                logger.exception("a connection could not be written to")
                self.fail()

    def fail(self) -> None:
        """Write nothing more, because that has failed: the reader is woken, and finds the outlet shut."""
        self.outlet.shut()
        self.wake()

    def take_back(self) -> list[Message]:
        """Take back the direct messages that were not read yet; return them."""
        forgotten, self._own = self._own, []
        return forgotten

    def reset(self, reason: str) -> None:
        """Tell the reader that its cursor cannot be honoured; it goes on from the head."""
        self._reset = reason
        self.wake()

    def wake(self, batch: Batch | None = None) -> None:
        """Hand the next batch to the reader, if it waits; None makes it look by itself for what there is."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._stand_apart()
            waiting(batch)

    def wait(self, wake: Callable[[Batch | None], object]) -> None:
        """Wait at the head; `wake` is called once, with the next batch or, where it is None, to look for what there is.

        Where the `outlet` is open, what comes meanwhile is written, and wakes nobody.
        """
        self._waiting = wake
        if self.outlet.writable and not (self._holds or self._ahead):
            self.outlet.stand_in(self._audience, self)
        else:
            self._audience.waiting[self] = None

    def _stand_apart(self) -> None:
        """Leave those who wait at the head, and note the place that was reached."""
        if self.outlet.leave(self):
            place = self._audience.place
            self._place = Place(max(place.position, self._bus.position), place.seen)
            self._version = self._audience.version
        else:
            self._audience.waiting.pop(self, None)

    def _not_before(self, place: Place) -> Place:
        """Return the place of a reader that has seen more elsewhere than this process knows of."""
        if self._ahead:
            self._ahead = {name: seen for name, seen in self._ahead.items() if seen > place.seen.get(name, seen)}
            place = Place(place.position, {**place.seen, **self._ahead})
        return place

    def start_now(self, topics: Collection[str]) -> None:
        """Leave out what happened in `topics` before now."""
        self.wake()
        self._place = Place(self._place.position, {**self._place.seen, **self._bus.now(topics).seen})
        self._since |= dict.fromkeys(topics, self._bus.position)

    def add(self, topic: str) -> None:
        """Follow one more topic, from now on."""
        self.start_now([topic])
        self._move((*self.topics, topic))

    def remove(self, topic: str) -> None:
        """Stop following a topic."""
        self._since.pop(topic, None)
        self._move([name for name in self.topics if name != topic])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hand out nothing but direct messages inside the block, so that a topic's welcome comes before its first
        event."""
        self._holds += 1
        self.wake()
        try:
            yield
        finally:
            self._holds -= 1
            self.wake()

    def _move(self, topics: Iterable[str]) -> None:
        if self.closed:
            return
        self.wake()
        self._place = Place(self.position, self._place.seen)
        previous = self._audience
        self._audience = self._bus.audience(topics)
        self._bus.count_in(self._audience)
        self._bus.count_out(previous)
        self._version = -1

    def close(self) -> None:
        """Take no more events; the direct messages that were sent can still be read."""
        if not self.closed:
            self.wake()
            self._place = Place(self.position, self._place.seen)
            self.closed = True
            self._bus.count_out(self._audience)

    # Reading

    async def read(self) -> Batch | None:
        """Return the next batch, as soon as there is one; None when the subscription is closed."""
        while True:
            try:
                batch = await self.read_now()
            except Refused:
                await asyncio.sleep(limits.RELAY_RETRY)
                continue
            if batch is None:
                if self.closed:
                    return None
                batch = await self._wait()
                if batch is not None:
                    batch = self._taken(batch)
            if batch is not None:
                return batch

    async def collect(self, wait: float) -> list[Message]:
        """Return the messages that there are now, about a batch of them; where there are none, those that come first
        within `wait` seconds. Raise Refused where the log cannot be read."""
        messages: list[Message] = []
        size = 0
        while len(messages) < limits.BATCH_EVENTS and size < limits.BATCH_BYTES:
            batch = await self.read_now()
            if batch is None:
                break
            messages += batch.messages
            size += sum(len(message.json) for message in batch.messages)
        if not messages and wait:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    batch = await self.read()
                    messages += batch.messages if batch is not None else ()
        return messages

    async def _wait(self) -> Batch | None:
        waiter: asyncio.Future[Batch | None] = asyncio.get_running_loop().create_future()
        self.wait(partial(_hand_over, waiter))
        try:
            return await waiter
        finally:
            if self._waiting is not None:  # the reader was cancelled
                self._waiting = None
                self._stand_apart()

    def _taken(self, batch: Batch) -> Batch | None:
        """Return the batch of the bus as this reader gets it, None where it is not the next one or all is hidden."""
        if batch.version != self._version + 1:
            return None  # it stands elsewhere, or follows other topics by now: the events are in the tails
        if self._own or self._reset or self.closed or self._holds:
            return None  # those come first; the events are in the tails
        if self._ahead:
            return None  # some of it was seen elsewhere: what was not is in the tails
        self._place, self._version = batch.place, batch.version
        if self.user_id in batch.hidden_from:
            batch = Batch(visible(batch.messages, self.user_id))
        return batch if batch.messages else None

    async def read_now(self) -> Batch | None:
        """Return the next batch if there is one already, else None. Raise Refused where the log cannot be read."""
        batch = self.take()
        while batch is None and self.in_log:
            batch = await self.recall() or self.take()
        return batch

    def take(self) -> Batch | None:
        """Return the next batch if it is in memory, else None."""
        while True:
            held = self.closed or self._holds
            # A reset goes out with the welcome before it, so that nobody takes the one and not the other.
            reset = [] if held or self._reset is None else [self._tell_reset(self._reset)]
            if self._own or reset:
                direct, self._own = self._own, []
                return Batch(direct + reset)
            if held:
                return None
            if self._version == self._audience.version:
                return None
            starts = self._starts()
            if not tails_reach_back(self._audience.topics, starts):
                return None
            batch = self._read_tails(starts)
            if batch is not None:
                return batch

    @property
    def in_log(self) -> bool:
        """Tell whether there is something that `take` has not returned, because it is in the log."""
        return self.behind and not self._holds

    def _tell_reset(self, reason: str) -> Message:
        self._reset = None
        self._bus.counters.resets += 1
        # A client that starts afresh gets the states' values again, as one that connects does.
        values = {topic.name: 0 for topic in self._audience.topics if topic.kind is Kind.STATE}
        self._place, self._version = Place(self._bus.position, {**self._place.seen, **values}), -1
        return self._message(Control.RESET, id=str(self.cursor), data={"reason": reason})

    def _read_tails(self, starts: dict[str, int]) -> Batch | None:
        audience = self._audience
        place = Place(self.position, self._place.seen)
        unread = read_tails(audience.topics, place, starts, audience.head(self._bus.position))
        self._place = self._not_before(unread.place) if unread.all_read else unread.place
        if unread.all_read:
            self._version = audience.version
        self._count_delay(unread.events)
        messages = self._gaps(unread) + visible(unread.events, self.user_id)
        return Batch(messages) if messages else None

    def _gaps(self, unread: Unread) -> list[Message]:
        """Return the messages that tell of lost signals, and count these."""
        dropped = sum(unread.gaps.values())
        self.dropped += dropped
        self._bus.counters.gaps += len(unread.gaps)
        self._bus.counters.dropped += dropped
        return [self._message(Control.GAP, topic=topic, data={"dropped": lost}) for topic, lost in unread.gaps.items()]

    def _count_delay(self, events: Sequence[Event]) -> None:
        """Count the delay of the first of `events`, unless it happened before this subscription began."""
        if events and events[0].arrived > self._began:
            self._bus.counters.delivery.observe(self._bus.surroundings.time() - events[0].arrived)

    async def recall(self) -> Batch | None:
        """Read the log; return what came of that, None where it is in memory now or there is nothing. Raise Refused
        where it cannot be read at the moment."""
        audience = self._audience
        try:
            async with self._bus.log_reads:
                starts = self._starts()
                if audience is not self._audience or tails_reach_back(audience.topics, starts):
                    return None  # others may have recalled more meanwhile
                held = sum(topic.held for topic in audience.topics)
                if await self._log_reader.recall(audience.topics, starts):
                    self._bus.tails_grew(sum(topic.held for topic in audience.topics) - held)
                    return None
                page = await self._log_reader.read(audience.topics, self.position, self._bus.position)
        except Trimmed:
            self._reset = "trimmed"
            return None
        if audience is not self._audience or self._holds or self.closed:
            return None  # it stands elsewhere by now, and reads again from there
        self._place = Place(page.position, self._place.seen)
        wanted = [event for event in page.events if event.position > self._since.get(event.topic, 0)]
        # What was sent meanwhile knows nothing of these events, so it goes first.
        direct, self._own = self._own, []
        messages = direct + visible(wanted, self.user_id)
        return Batch(messages) if messages else None

    def _message(self, type: str, **fields: Any) -> Message:
        return message(type, at=self._bus.surroundings.wall(), **fields)


def _hand_over(waiter: "asyncio.Future[Batch | None]", batch: Batch | None) -> None:
    if not waiter.done():  # its reader may be cancelled just now
        waiter.set_result(batch)
