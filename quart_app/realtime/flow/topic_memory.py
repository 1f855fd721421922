"""The recent past of a topic, in memory: what most readers that are behind catch up from.

A tail holds the newest events of one sort, a `TopicMemory` all there is of one topic. Neither of them reads the log or
knows who listens.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from quart_app.realtime import limits
from quart_app.realtime.flow.backplane import Count
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind
from quart_app.wire import is_open_topic

_position: Callable[[Event], int] = attrgetter("position")
_ordinal: Callable[[Event], int] = attrgetter("ordinal")


class Size(NamedTuple):
    """The size of what is held: how many events, and about how many bytes."""

    events: int
    bytes: int


class Memory(NamedTuple):
    """What all topics hold: how many topics there are, how many of them are followed, and what their tails hold."""

    topics: int
    followed: int
    events: int
    bytes: int


class Tail:
    """The newest events of one topic that are of one sort, in order of `number`.

    `number` reads an event's place: its position (durable) or its ordinal (transient). `floor` is the highest number
    that is no longer here. `full` tells that there is no room for what was before.
    """

    __slots__ = ("_bytes", "_events", "_number", "floor", "full")

    def __init__(self, number: Callable[[Event], int], floor: int) -> None:
        self._number = number
        self._events: list[Event] = []
        self._bytes = 0
        self.floor = floor
        self.full = False

    def extend(self, events: Sequence[Event]) -> None:
        self._events += events
        self._bytes += sum(event.size for event in events)
        if len(self._events) > limits.TAIL_EVENTS or self._bytes > limits.TAIL_BYTES:
            self._evict()

    def recall(self, events: Sequence[Event], after: int) -> None:
        """Take back `events`, all there are above `after` and up to the floor, as far as there is room."""
        kept = self._room_for(events, Size(len(self._events), self._bytes))
        left = len(events) - kept
        self.full = left > 0
        self.floor = self._number(events[left - 1]) if left else after
        self._events[:0] = events[left:]
        self._bytes += sum(event.size for event in events[left:])

    def _evict(self) -> None:
        self.full = True
        gone = len(self._events) - self._room_for(self._events, Size(0, 0))
        self.floor = self._number(self._events[gone - 1])
        self._bytes -= sum(event.size for event in self._events[:gone])
        del self._events[:gone]

    @staticmethod
    def _room_for(events: Sequence[Event], held: Size) -> int:
        """Return how many of the newest `events` there is room for beside what is `held`.

        Three quarters of the limits are filled, so that the next eviction is far away.
        """
        number, size = held
        for event in reversed(events):
            size += event.size
            if number >= limits.TAIL_EVENTS * 3 // 4 or size > limits.TAIL_BYTES * 3 // 4:
                break
            number += 1
        return number - held.events

    def clear(self, floor: int) -> None:
        self._events.clear()
        self._bytes = 0
        self.floor = floor
        self.full = False

    def let_go(self) -> None:
        """Drop all events for good, as there is no room for them any more."""
        if self._events:
            self.clear(self._number(self._events[-1]))
            self.full = True

    def __len__(self) -> int:
        return len(self._events)

    @property
    def bytes(self) -> int:
        """The size of the events in bytes, about."""
        return self._bytes

    def after(self, number: int) -> list[Event]:
        """Return the events above `number`."""
        events = self._events
        if not events or self._number(events[-1]) <= number:
            return []
        return events[bisect_right(events, number, key=self._number) :]


class TopicMemory:
    """One topic's recent past: its two tails and, where it is a state, its values by key.

    It is `open` where everybody may make topics of its namespace. `count` is the number of the last transient event, 0
    where it is not known, and counting began after `first`. What others publish is missed no more since it is `known`.
    `fresh` events wait for the flush, and the last ones of a state's keys among them are `coming`. `promised` are
    values that room is kept for, and `unnumbered` those that nobody has numbered yet, by their keys. `followers` counts
    who listens; `idle_since` is when somebody did so last (s, the loop's clock).
    """

    __slots__ = (
        "coming", "count", "durable", "first", "followers", "fresh", "idle_since", "kind", "known", "name", "open",
        "promised", "signals", "state", "unnumbered",
    )  # fmt: skip

    def __init__(self, name: str, kind: Kind, position: int, count: Count) -> None:
        self.name = name
        self.kind = kind
        self.open = is_open_topic(name)
        self.first, self.count = count
        self.known = count.number > 0
        self.durable = Tail(_position, position)
        self.signals = Tail(_ordinal, self.count)
        self.state: dict[str, Event] = {}
        self.coming: dict[str, Event] = {}
        self.fresh: list[Event] = []
        self.promised: dict[Event, None] = {}
        self.unnumbered: dict[str, Event] = {}
        self.followers = 0
        self.idle_since = 0.0

    def value(self, key: str) -> Event | None:
        """Return the newest value of a state's key, settled or not; None where it has none."""
        return self.coming.get(key) or self.state.get(key)

    def shows(self, value: Event) -> bool:
        """Return whether a state holds this very value, which then has the higher of its two numbers."""
        held = self.state.get(value.key or "")
        if held is None or (held.at, held.type, held.fields) != (value.at, value.type, value.fields):
            return False
        held.ordinal = max(held.ordinal, value.ordinal)
        self.count = max(self.count, held.ordinal)
        return True

    def meet(self, seen: int) -> None:
        """Take in somebody who has `seen` so much of a state elsewhere, while nothing is heard here of what others
        publish: what nobody can have seen there comes after that."""
        if seen > self.count or any(value.ordinal <= seen for value in self.unnumbered.values()):
            self.count = max(self.count, seen)
            for value in self.unnumbered.values():
                self.count += 1
                value.ordinal = self.count

    @property
    def held(self) -> int:
        """The size of its tails in bytes, about."""
        return self.durable.bytes + self.signals.bytes

    @property
    def idle(self) -> bool:
        """Tell whether nobody follows it and it holds no value, so that nothing but its tails would be lost."""
        return not (self.followers or self.state or self.fresh or self.promised)

    def settle(self) -> list[Event] | None:
        """Move what arrived into the tails; return it as a reader at the head gets it, None where that reader has to
        be told of signals that are missing."""
        arrived, self.fresh = self.fresh, []
        durable = []
        transient: list[Event] = []
        whole = True
        for event in arrived:
            if event.position:
                durable.append(event)
            elif event.ordinal == self.count + 1:
                self.count = event.ordinal
                transient.append(event)
            else:
                whole = self._jump_to(event, transient) and whole
        if durable:
            self.durable.extend(durable)
        if self.kind is not Kind.STATE:
            if transient:
                self.signals.extend(transient)
            return arrived if whole else None
        for event in transient:
            self.state.pop(event.key or "", None)
            self.state[event.key or ""] = event
        self.coming.clear()
        return [event for event in arrived if self.state.get(event.key or "") is event]

    def _jump_to(self, event: Event, before: list[Event]) -> bool:
        """Take a transient event whose number is not the next one after those `before` it; return whether nothing is
        missing by that."""
        if self.kind is Kind.STATE:
            self.count = max(self.count, event.ordinal)
            before.append(event)
            return True
        if event.ordinal <= self.count:
            return False  # it is told as missing already
        whole = self.skip_to(Count(event.first, event.ordinal - 1))
        if not whole:
            before.clear()
        self.count = event.ordinal
        before.append(event)
        return whole

    def skip_to(self, count: Count) -> bool:
        """Go on counting after `count`; return whether nothing is missing by that. Otherwise the tail of the signals
        begins there, so that readers are told."""
        last, self.count = max(self.count, count.first), count.number
        self.first = max(self.first, count.first)
        if last < count.number:
            self.signals.clear(count.number)
            return False
        return True
