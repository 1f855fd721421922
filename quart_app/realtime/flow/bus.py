"""Topics in memory and who listens: every event passes here once, in order.

Publishing only marks; one flush per turn of the event loop settles what arrived into each topic's
tail and hands it, joined and encoded once, to every subscription that waits at the head. The bus
never awaits and never reads the log.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from zlib import crc32

from quart_app.realtime import limits
from quart_app.realtime.flow.audience import Audience, Reader
from quart_app.realtime.flow.backplane import UNKNOWN, Count
from quart_app.realtime.flow.counters import Counters
from quart_app.realtime.flow.ring import Ring
from quart_app.realtime.flow.room import NO_BOUND, Held, Room, Values
from quart_app.realtime.flow.topic_memory import Memory, TopicMemory
from quart_app.realtime.messages.batch import Place
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from quart_app.surroundings import REAL, Surroundings

_DURABLE, _STATE, _SIGNAL = (kind.value for kind in Kind)


_Taken = tuple[Event, TopicMemory | None, Event | None]
"""An event, its topic, which is None where nothing keeps it, and the unsettled value that it replaces."""


class Bus:
    """The topics in memory and the audiences that follow them.

    `share` is what one user may hold of the values of open topics, and `count_of(topic name)` returns how far its
    transient events are counted as far as that is known. `unheard` keeps those of topics that nobody follows.
    `position` is that of the last durable event settled, and `run` the name of the counts in cursors.
    `demand(topic name, wanted)` is called when a topic gets its first subscriber and after it lost its last.
    """

    def __init__(
        self,
        kind_of: Callable[[str], Kind],
        *,
        position: int = 0,
        surroundings: Surroundings = REAL,
        share: Held = NO_BOUND,
        count_of: Callable[[str], Count] = lambda topic: UNKNOWN,
        unheard: Ring | None = None,
    ) -> None:
        self.position = position
        self.surroundings = surroundings
        self.run = f"{crc32(surroundings.token(18).encode()):08x}"
        self.run_is_known = unheard is None
        """Whether it is known yet by which name all processes count."""
        self.demand: Callable[[str, bool], None] = lambda topic, wanted: None
        self.kind_of = kind_of
        self._count_of = count_of
        self._unheard = unheard
        self._arrived = position
        self._sequence = 0
        self._since = 0.0
        self.counters = Counters()
        self._room = Room(self._make, Values(share, self.counters))
        self._topics = self._room.topics
        self._audiences: dict[tuple[str, ...], Audience] = {}
        self._following: dict[TopicMemory, dict[Audience, None]] = {}
        self._dirty: dict[TopicMemory, None] = {}
        self._pushes: dict[Reader, None] = {}
        self._flush: asyncio.Handle | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self.log_reads = asyncio.Semaphore(limits.CONCURRENT_LOG_READS)
        """Held by a subscription while it reads the log."""

    def publish(self, events: Iterable[Event]) -> None:
        """Take events in, the durable ones in position order, the others numbered; subscribers get them at the flush.

        Raise Refused, and take none, where a state topic has too many keys, or memory too many topics or values.
        """
        now = self.surroundings.time()
        self._flush_soon()
        if not self._dirty:
            self._since = now
        taken: list[_Taken] = []
        try:
            for event in events:
                event.arrived = now
                taken.append(self._take_in(event))
        except Refused:
            self._give_back(taken)
            raise
        published = self.counters.published
        for event, topic, _ in taken:
            if event.position:
                published[_DURABLE] += 1
            elif topic is not None:
                published[_STATE if topic.kind is Kind.STATE else _SIGNAL] += 1
            else:
                published[_SIGNAL] += 1
                if self._unheard is not None:
                    self._unheard.append(event)

    def _give_back(self, taken: list[_Taken]) -> None:
        """Undo what `_take_in` has returned."""
        for event, topic, before in reversed(taken):
            if topic is not None:
                topic.fresh.pop()
                if topic.kind is Kind.STATE and not event.position:
                    self._room.put_back(topic, event, before)

    def publish_unnumbered(self, events: Sequence[Event]) -> None:
        """Take in values of states that nobody has numbered. Raise Refused as `publish` does."""
        for event in events:
            topic = self._topic(event.topic)
            event.first, event.ordinal = topic.first, topic.count + 1
            topic.known = False
        self.publish(events)
        for event in events:
            unnumbered = self._topic(event.topic).unnumbered
            unnumbered.pop(event.key or "", None)  # the newest comes last
            unnumbered[event.key or ""] = event

    def restore(self, events: Iterable[Event]) -> None:
        """Take in numbered values, as far as they are other than here. Raise Refused as `publish` does."""
        self.flush()
        topics = self._topics
        self.publish([one for one in events if not (one.topic in topics and topics[one.topic].shows(one))])

    def lose(self, name: str, count: Count) -> None:
        """Let the readers of a topic be told of the signals up to `count` that have not come."""
        if (topic := self._topics.get(name)) is not None:
            self.flush()
            self._skip(topic, count)
        elif self._unheard is not None:
            self._unheard.interrupted(name)

    def found(self, name: str, count: Count, values: Iterable[Event]) -> None:
        """Take over the count of a topic and, where it is a state, those of its values that are other than here. Raise
        Refused."""
        self.flush()
        topic = self._topic(name)
        topic.known = True
        topic.unnumbered.clear()
        if topic.kind is not Kind.STATE:
            if count.number > topic.count:
                self._skip(topic, count)
            return
        news = [value for value in values if not topic.shows(value)]
        if topic.followers:
            for value in news:  # its readers have seen higher numbers by now
                value.ordinal = count.number
        self.publish(news)
        self.flush()
        topic.count = max(topic.count, count.number)

    def _skip(self, topic: TopicMemory, count: Count) -> None:
        if count.number > topic.count and not topic.skip_to(count):
            for audience in self._following.get(topic, ()):
                audience.deliver({topic: None}, self.position, self.position)

    def interrupted(self) -> None:
        """Note that events of others may be missed from now on."""
        for topic in self._topics.values():
            topic.known = False
        if self._unheard is not None:
            self._unheard.interrupted()

    def unknown(self, names: Iterable[str], seen: Mapping[str, int]) -> list[str]:
        """Return those of the topics of which something may have been missed, or whose values are not here. Of what a
        reader has `seen` elsewhere something may be on its way."""
        topics = [(name, self._topics.get(name)) for name in names]
        return [name for name, topic in topics if not self._is_known(name, topic, seen.get(name, 0))]

    def _is_known(self, name: str, topic: TopicMemory | None, seen: int) -> bool:
        if topic is not None:
            return topic.known and topic.count >= seen
        if self._count_of(name).number:
            return True
        heard = self._unheard
        return heard is not None and heard.knows(name) and not seen and self.kind_of(name) is not Kind.STATE

    def keep_room(self, events: Iterable[Event]) -> Callable[[], None]:
        """Keep room for transient events, which are not refused when they are published then; return what gives the
        room up, and is to be called in any case.

        Raise Refused, and keep none, where `publish` would refuse them now.
        """
        kept: list[Callable[[], None]] = []

        def give_up() -> None:
            while kept:
                kept.pop()()

        try:
            for event in events:
                topic = self._topic_for_transient(event)
                if topic is not None and topic.kind is Kind.STATE:
                    kept.append(self._room.keep(topic, event))
        except Refused:
            give_up()
            raise
        return give_up

    def _take_in(self, event: Event) -> _Taken:
        """Append an event to its topic's unsettled ones; return it with that topic, None where nothing keeps the event,
        and with the unsettled value that it replaces."""
        self._sequence += 1
        event.sequence = self._sequence
        topic, before = self._topics.get(event.topic), None
        if event.position:
            self._arrived = event.position
        elif topic is None or not topic.followers:
            topic = self._topic_for_transient(event)
        if topic is not None:
            if topic.kind is Kind.STATE and not event.position:
                self._room.check(topic, event)
                before = self._room.take_in(topic, event)
            topic.fresh.append(event)
            self._dirty[topic] = None
        return event, topic, before

    def _topic_for_transient(self, event: Event) -> TopicMemory | None:
        """Return the topic that is to keep an event: a state keeps values also where nobody follows it; nothing keeps
        signals that nobody can hear. Raise Refused."""
        topic = self._topics.get(event.topic)
        if topic is not None and not topic.idle:
            return topic
        if self.kind_of(event.topic) is not Kind.STATE:
            return topic
        return self._in_use(self._room.place_for_values(event.topic))

    def counts_of(self, names: Collection[str]) -> str:
        """Return the name of the counts of transient events in these topics, and in no others."""
        return f"{self.run}{crc32(' '.join(sorted(names)).encode()):08x}"

    def counts_as(self, run: str, names: Collection[str]) -> bool:
        """Return whether counts of that name are those of these topics here, as far as that is known."""
        counts = self.counts_of(names)
        return run == counts or (not self.run_is_known and run[len(self.run) :] == counts[len(self.run) :])

    def push_soon(self, reader: Reader) -> None:
        """Let a reader write what is for it alone: before what follows for all in the same turn."""
        self._pushes[reader] = None
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Settle what arrived and hand it out."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        pushes, self._pushes = self._pushes, {}
        for reader in pushes:
            reader.push()
        dirty, self._dirty = self._dirty, {}
        held = sum(topic.held for topic in dirty)
        news = {topic: topic.settle() for topic in dirty}
        grown = sum(topic.held for topic in dirty) - held
        audiences = dict.fromkeys(audience for topic in news for audience in self._following.get(topic, ()))
        for audience in audiences:
            handed = audience.deliver(news, self.position, self._arrived)
            if handed:
                self.counters.delivery.observe(self.surroundings.time() - self._since, handed)
        self.position = self._arrived
        if grown > 0:
            self.tails_grew(grown)

    def tails_grew(self, bytes: int) -> None:
        """Note that the tails have become so many bytes larger; those that are too large give way."""
        self._room.tails_grew(bytes)

    def skip_to(self, position: int) -> None:
        """Go on from `position`, because the events up to there cannot be had any more, and let no reader step over the
        gap unawares."""
        self.flush()
        for topic in self._topics.values():
            topic.durable.clear(position)
        for audience in self._audiences.values():
            audience.interrupt(self.position)
        self.position = self._arrived = position

    def audience(self, names: Iterable[str]) -> Audience:
        """Return the audience of a set of topics, to `count_in` and to `count_out`.

        What was published before is settled first, so that a reader who joins now comes after it.
        """
        if self._flush is not None:
            self.flush()
        key = tuple(sorted(set(names)))
        audience = self._audiences.get(key)
        if audience is None:
            audience = Audience(tuple(self._topic(name, beside=key) for name in key))
        return audience

    def count_in(self, audience: Audience) -> None:
        """Count one more reader of an audience."""
        audience.members += 1
        if audience.members == 1:
            self._audiences[audience.names] = audience
            for topic in audience.topics:
                self._following.setdefault(topic, {})[audience] = None
        for topic in audience.topics:
            topic.followers += 1
            if topic.followers == 1:
                self.demand(topic.name, True)

    def count_out(self, audience: Audience) -> None:
        """Count one reader of an audience less."""
        audience.members -= 1
        if not audience.members:
            del self._audiences[audience.names]
            for topic in audience.topics:
                del self._following[topic][audience]
                if not self._following[topic]:
                    del self._following[topic]
        for topic in audience.topics:
            topic.followers -= 1
            if not topic.followers:
                topic.idle_since = asyncio.get_running_loop().time()
                self._sweep_later()
                self.demand(topic.name, False)

    def now(self, topics: Collection[str]) -> Place:
        """Return the place of a reader that hears signals from now on and has seen no state's value."""
        followed = self.audience(topics).topics
        return Place(self.position, {topic.name: 0 if topic.kind is Kind.STATE else topic.count for topic in followed})

    def is_followed(self, topic: str) -> bool:
        """Return whether somebody follows a topic."""
        known = self._topics.get(topic)
        return known is not None and known.followers > 0

    def holds(self, topic: str) -> bool:
        """Return whether a topic has a place in memory."""
        return topic in self._topics

    def latest(self, topic: str) -> list[Event]:
        """Return the current values of a state topic, oldest change first."""
        known = self._topics.get(topic)
        return list(known.state.values()) if known else []

    def memory(self) -> Memory:
        """Return what all topics hold in memory."""
        tails = [tail for topic in self._topics.values() for tail in (topic.durable, topic.signals)]
        followed = sum(1 for topic in self._topics.values() if topic.followers)
        return Memory(len(self._topics), followed, sum(map(len, tails)), sum(tail.bytes for tail in tails))

    def topic(self, name: str) -> TopicMemory | None:
        """Return a topic, None where it is not in memory."""
        return self._topics.get(name)

    def topics(self) -> list[TopicMemory]:
        """Return the topics in memory."""
        return list(self._topics.values())

    def _topic(self, name: str, beside: Collection[str] = ()) -> TopicMemory:
        return self._in_use(self._room.place(name, beside))

    def _in_use(self, topic: TopicMemory) -> TopicMemory:
        """Return a topic that is about to be used, and must not be forgotten before that."""
        topic.idle_since = asyncio.get_running_loop().time()
        return topic

    def _make(self, name: str) -> TopicMemory:
        topic = TopicMemory(name, self.kind_of(name), self.position, self._count_of(name))
        unheard = self._unheard
        known = unheard is not None and unheard.knows(name)
        if unheard is not None and topic.kind is not Kind.STATE and (heard := unheard.take(name)):
            topic.known = known
            topic.first, topic.count = heard[-1].first, heard[-1].ordinal
            topic.signals.clear(heard[0].ordinal - 1)
            topic.signals.extend(heard)
        return topic

    def _sweep_later(self) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(limits.IDLE_TOPIC, self._swept)

    def _swept(self) -> None:
        self._sweep = None
        self._room.forget_idle_topics()
        if any(not topic.followers and not topic.state for topic in self._topics.values()):
            self._sweep_later()
