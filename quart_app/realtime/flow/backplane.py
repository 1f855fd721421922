"""The backplane: how the processes that serve one log tell each other what is new.

Durable events are in the log, and the backplane only says so sooner. Transient events exist nowhere else: the
backplane numbers them, in one order for all processes, and what a process publishes comes back to it by the sink as
what the others publish does. This module has the protocol, and the backplane of a program that is alone.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from quart_app.realtime import limits
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.refused import Refused


class Count(NamedTuple):
    """How far the transient events of a topic are counted: the next one is `number` + 1. The count began after `first`.

    A `number` of 0 says that it is not known.
    """

    first: int
    number: int


UNKNOWN = Count(0, 0)


class Holding(NamedTuple):
    """What a process knows of a topic: its count, its values where it is a state, and whether somebody follows it."""

    topic: str
    counted: Count
    values: Sequence[Event]
    is_state: bool
    followed: bool


class Entry(NamedTuple):
    """A user in a topic by way of one process, and the signals that tell of it: when the user has come, where that is
    the first process, and when the user has left the last one."""

    topic: str
    user_id: str
    username: str
    joined: Event
    left: Event


class Sink(Protocol):
    """What a backplane tells the engine of its process, and asks it. Nothing here waits."""

    def offered(self, events: Sequence[Event]) -> None:
        """Take durable events, which are in the log, in the order of their positions and without a hole."""

    def woken(self, position: int) -> None:
        """Note that the log has grown to `position`."""

    def check(self, events: Sequence[Event]) -> None:
        """Raise Refused where there is no room for transient events."""

    def received(self, events: Sequence[Event]) -> None:
        """Take transient events, each with its `ordinal` and `first`. Raise Refused, and take none, as `check` does."""

    def restored(self, events: Sequence[Event]) -> None:
        """Take numbered values that may be known here already. Raise Refused, and take none, as `check` does."""

    def shown(self, events: Sequence[Event]) -> None:
        """Take new values of states that are not numbered, because the backplane is away."""

    def lost(self, topic: str, count: Count) -> None:
        """Note that the events of a topic up to `count` that have not come will not come."""

    def found(self, topic: str, count: Count, values: Sequence[Event]) -> None:
        """Take over how far a topic is counted at this point of what is received and, where it is a state, its values.
        Raise Refused where there is no place for it."""

    def interrupted(self) -> None:
        """Note that from now on events may be missed."""

    def joined(self) -> None:
        """Note that from now on what the other processes say is heard."""

    def asked(self, what: str, body: bytes, answer: Callable[[bytes], None]) -> None:
        """Take another process's question, to be given one `answer` sooner or later."""

    def counting(self, run: str) -> None:
        """Take over the name of all counts: 8 hexadecimal digits. Cursors with counts of another name have none."""

    def is_state(self, topic: str) -> bool:
        """Return whether a topic is a state, whose values are kept."""

    def holding(self, topic: str) -> Holding:
        """Return what the process knows of a topic."""

    def holdings(self) -> Iterable[Holding]:
        """Return what the process knows of the topics that it has in memory."""


class Backplane(Protocol):
    shared: bool
    """Whether other processes may write the same log."""
    name: str
    """What this process is called among them, for people; empty where it is alone."""

    @property
    def tag(self) -> str:
        """What this process is known by among them: 6 characters; none where it is alone."""

    @property
    def nodes(self) -> Sequence[str]:
        """The names of the processes that it joins, as far as it knew last."""

    @property
    def others(self) -> Mapping[str, str]:
        """The names of the other ones of them, by their tags."""

    @property
    def away_since(self) -> float | None:
        """Since when it has not been reached (s, the loop's clock); None while it is there."""

    async def start(self, sink: Sink, log: str) -> None:
        """Join the processes that serve the log of this name."""

    async def stop(self) -> None:
        """Leave them, after what was published has been passed on."""

    def committed(self, events: Sequence[Event]) -> None:
        """Offer the durable events of one commit to all processes, this one at once."""

    def publish(self, events: Sequence[Event]) -> None:
        """Number transient events and pass them on to all processes, this one too. Raise Refused as `Sink.check`."""

    async def passed_on(self) -> None:
        """Return when all that was published up to now is numbered, or does not get through now."""

    def count_of(self, topic: str) -> Count:
        """Return how far a topic is counted as far as that is known without asking anybody."""

    async def seed(self, topics: Collection[str]) -> None:
        """Let the sink have `found` these topics; return when it has or when the backplane does not answer."""

    def enter(self, entry: Entry) -> None:
        """Count a user as in a topic by way of this process, or note another name of one who is. The user stays when
        this process stops, for as long as whoever comes back somewhere else is to have never left."""

    def leave(self, entry: Entry) -> None:
        """Count a user as in a topic by way of this process no longer."""

    def present(self, topic: str) -> Mapping[str, str]:
        """Return who is in a topic by way of any process, by user the name, in order of arrival: those whose coming was
        told, and whose leaving was not."""

    async def ask(
        self, tags: Collection[str], what: str, body: bytes, wait: float, enough: Callable[[bytes], bool]
    ) -> Mapping[str, bytes]:
        """Ask other processes, and return the answers that have come in `wait` s, by their tags. They are returned as
        soon as all are there, or one that is `enough`."""


NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


class InProcess:
    """The backplane of a program that is alone: it numbers, and hands everything straight back."""

    shared = False
    name = ""
    away_since: float | None = None
    tag = ""
    nodes: Sequence[str] = ()
    others: Mapping[str, str] = MappingProxyType({})
    _sink: Sink

    def __init__(self) -> None:
        self._sequence = 1  # at least as large as every number given; 0 would be a count that is not known
        self._counters: dict[str, _Counter] = {}
        self._present: dict[str, dict[str, str]] = {}

    async def start(self, sink: Sink, log: str) -> None:
        self.join(sink)

    def join(self, sink: Sink) -> None:
        """Hand everything to `sink` from now on."""
        self._sink = sink

    async def stop(self) -> None:
        """There is nobody to leave."""

    def committed(self, events: Sequence[Event]) -> None:
        self._sink.offered(events)

    def publish(self, events: Sequence[Event]) -> None:
        counters = self._counters
        for event in events:
            counter = counters.get(event.topic) or self._begin(event.topic)
            counter.number = event.ordinal = counter.number + 1
            event.first = counter.first
        self._sequence += len(events)
        try:
            self._sink.received(events)
        except Refused:
            for event in events:
                if given := counters.get(event.topic):
                    given.number -= 1
            raise

    async def passed_on(self) -> None:
        """Everything is numbered already."""

    def _begin(self, topic: str) -> "_Counter":
        """Return a counter that begins above every number that the topic ever had."""
        if len(self._counters) >= limits.TOPICS_COUNTED:
            # Whose counter is forgotten begins anew, and misses nothing by that.
            for name in list(self._counters)[: limits.TOPICS_COUNTED // 4]:
                del self._counters[name]
        counter = self._counters[topic] = _Counter(self._sequence)
        return counter

    def count_of(self, topic: str) -> Count:
        counter = self._counters.get(topic)
        return Count(self._sequence, self._sequence) if counter is None else Count(counter.first, counter.number)

    async def seed(self, topics: Collection[str]) -> None:
        """Everything is known here."""

    def enter(self, entry: Entry) -> None:
        people = self._present.setdefault(entry.topic, {})
        is_new = entry.user_id not in people
        people[entry.user_id] = entry.username
        if is_new:
            self.publish((entry.joined,))

    def leave(self, entry: Entry) -> None:
        people = self._present[entry.topic]
        del people[entry.user_id]
        if not people:
            del self._present[entry.topic]
        self.publish((entry.left,))

    def present(self, topic: str) -> Mapping[str, str]:
        return self._present.get(topic, NOBODY)

    async def ask(
        self, tags: Collection[str], what: str, body: bytes, wait: float, enough: Callable[[bytes], bool]
    ) -> Mapping[str, bytes]:
        return {}


class _Counter:
    __slots__ = ("first", "number")

    def __init__(self, first: int) -> None:
        self.first = self.number = first
