"""Topics in memory and who listens: every event passes here once, in order.

Publishing only marks; one flush per turn of the event loop settles what arrived into each topic's
tail and hands it, joined and encoded once, to every subscription that waits at the head. The bus
never awaits and never reads the log.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter
from zlib import crc32

from quart_app.realtime import limits
from quart_app.realtime.flow.audience import Audience, Reader
from quart_app.realtime.flow.counters import Counters
from quart_app.realtime.flow.topic_memory import Memory, TopicMemory
from quart_app.realtime.messages.batch import Place
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from quart_app.surroundings import REAL, Surroundings

_DURABLE, _STATE, _SIGNAL = (kind.value for kind in Kind)


def _sort_of(event: Event, topic: TopicMemory | None) -> str:
    """Return the kind of an event, which may differ from that of its topic: signals may come on durable topics too."""
    if event.position:
        return _DURABLE
    return _STATE if topic is not None and topic.kind is Kind.STATE else _SIGNAL


class Bus:
    """The topics in memory and the audiences that follow them.

    `position` is that of the last durable event settled. `demand(topic name, wanted)` is called when a topic gets its
    first subscriber and after it lost its last.
    """

    def __init__(self, kind_of: Callable[[str], Kind], *, position: int = 0, surroundings: Surroundings = REAL) -> None:
        self.position = position
        self.surroundings = surroundings
        self._run = crc32(surroundings.token(18).encode())
        self.demand: Callable[[str, bool], None] = lambda topic, wanted: None
        self._kind_of = kind_of
        self._arrived = position
        self._sequence = 0
        self._since = 0.0
        self._state_bytes = 0
        self._topics: dict[str, TopicMemory] = {}
        self._audiences: dict[tuple[str, ...], Audience] = {}
        self._following: dict[TopicMemory, dict[Audience, None]] = {}
        self._dirty: dict[TopicMemory, None] = {}
        self._pushes: dict[Reader, None] = {}
        self._flush: asyncio.Handle | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self.counters = Counters()
        self.log_reads = asyncio.Semaphore(limits.CONCURRENT_LOG_READS)
        """Held by a subscription while it reads the log."""

    def publish(self, events: Iterable[Event]) -> None:
        """Take events in, the durable ones in position order; subscribers get them at the flush.

        Raise Refused, and take none, where a state topic has too many keys, or memory too many topics or values.
        """
        now = self.surroundings.time()
        self._flush_soon()
        if not self._dirty:
            self._since = now
        taken: list[tuple[Event, TopicMemory | None]] = []
        try:
            for event in events:
                event.arrived = now
                taken.append((event, self._take_in(event)))
        except Refused:
            for _, topic in reversed(taken):
                if topic is not None:
                    topic.fresh.pop()
            raise
        for event, topic in taken:
            self.counters.published[_sort_of(event, topic)] += 1

    def keep_room(self, events: Iterable[Event]) -> Callable[[], None]:
        """Keep room for transient events, which are not refused when they are published then; return what gives the
        room up, and is to be called in any case.

        Raise Refused, and keep none, where `publish` would refuse them now.
        """
        kept: list[tuple[Event, TopicMemory]] = []

        def give_up() -> None:
            for event, topic in kept:
                self._state_bytes -= topic.promised.pop(event)
            kept.clear()

        try:
            for event in events:
                topic = self._topic_for_transient(event)
                if topic is not None and topic.kind is Kind.STATE:
                    topic.promised[event] = grown = max(self._check_room(topic, event), 0)
                    self._state_bytes += grown
                    kept.append((event, topic))
        except Refused:
            give_up()
            raise
        return give_up

    def _take_in(self, event: Event) -> TopicMemory | None:
        """Append an event to its topic's unsettled ones; return that topic, None where nothing keeps the event."""
        self._sequence += 1
        event.sequence = self._sequence
        topic = self._topics.get(event.topic)
        if event.position:
            self._arrived = event.position
        elif topic is None or not topic.followers:
            topic = self._topic_for_transient(event)
        if topic is not None:
            if topic.kind is Kind.STATE:
                self._check_room(topic, event)
            topic.fresh.append(event)
            self._dirty[topic] = None
        return topic

    def _topic_for_transient(self, event: Event) -> TopicMemory | None:
        """Return the topic that is to keep an event: a state keeps values also where nobody follows it, but may not
        take the last places for them; nothing keeps signals that nobody can hear. Raise Refused."""
        topic = self._topics.get(event.topic)
        if topic is not None and not topic.idle:
            return topic
        if self._kind_of(event.topic) is not Kind.STATE:
            return topic
        self._make_room(limits.TOPICS_IN_MEMORY - limits.TOPICS_FOR_FOLLOWERS)
        return self._topic(event.topic)

    def _check_room(self, topic: TopicMemory, event: Event) -> int:
        """Return the bytes by which a value makes the values of all topics larger. Raise Refused where there is no room
        for it, unless room was kept."""
        if not topic.followers:
            topic.idle_since = asyncio.get_running_loop().time()
        if event in topic.promised:
            return 0
        replaced = topic.state.get(event.key or "")
        grown = event.size - (replaced.size if replaced else 0)
        if self._state_bytes + grown > limits.STATE_BYTES:
            self._let_go_of_values(limits.TOPICS_IN_MEMORY)
        if self._state_bytes + grown > limits.STATE_BYTES:
            raise Refused("too_much_state", "the values of all topics are too large together", status=429)
        if event.key in topic.state or len(topic.state) + len(topic.fresh) + len(topic.promised) < limits.STATE_KEYS:
            return grown
        coming = {waiting.key for waiting in (*topic.fresh, *topic.promised)}
        if len({event.key, *topic.state, *coming}) > limits.STATE_KEYS:
            raise Refused("too_many_keys", f"{topic.name} holds {limits.STATE_KEYS} values already", status=409)
        return grown

    def counts_of(self, names: Collection[str]) -> str:
        """Return the name of this process's counts of transient events in these topics, and in no others."""
        return f"{self._run:08x}{crc32(' '.join(sorted(names)).encode()):08x}"

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
        before = sum(topic.size for topic in dirty)
        news = {topic: topic.settle() for topic in dirty}
        self._state_bytes += sum(topic.size for topic in dirty) - before
        audiences = dict.fromkeys(audience for topic in news for audience in self._following.get(topic, ()))
        for audience in audiences:
            handed = audience.deliver(news, self.position, self._arrived)
            if handed:
                self.counters.delivery.observe(self.surroundings.time() - self._since, handed)
        self.position = self._arrived

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

    def latest(self, topic: str) -> list[Event]:
        """Return the current values of a state topic, oldest change first."""
        known = self._topics.get(topic)
        return list(known.state.values()) if known else []

    def memory(self) -> Memory:
        """Return what all topics hold in memory."""
        tails = [tail for topic in self._topics.values() for tail in (topic.durable, topic.signals)]
        followed = sum(1 for topic in self._topics.values() if topic.followers)
        return Memory(len(self._topics), followed, sum(map(len, tails)), sum(tail.bytes for tail in tails))

    def topics(self) -> list[TopicMemory]:
        """Return the topics in memory."""
        return list(self._topics.values())

    def _topic(self, name: str, beside: Collection[str] = ()) -> TopicMemory:
        topic = self._topics.get(name)
        if topic is None:
            self._make_room(limits.TOPICS_IN_MEMORY, beside)
            # Counts never start again, even for a topic that was forgotten: cursors hold them.
            topic = self._topics[name] = TopicMemory(name, self._kind_of(name), self.position, self._sequence)
        # The topic is about to be used, and must not be forgotten before that.
        topic.idle_since = asyncio.get_running_loop().time()
        return topic

    def _make_room(self, most: int, beside: Collection[str] = ()) -> None:
        """Make room for one topic more among `most`, not at the cost of those `beside` it. Raise Refused."""
        if len(self._topics) >= most:
            self.forget_idle_topics()
        if len(self._topics) >= most:
            self._let_go_of_tails(most, beside)
        if len(self._topics) >= most:
            self._let_go_of_values(most)
        if len(self._topics) >= most:
            raise Refused("too_many_topics", "too many topics are in use", status=429)

    def _sweep_later(self) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(limits.IDLE_TOPIC, self._swept)

    def _swept(self) -> None:
        self._sweep = None
        self.forget_idle_topics()
        if any(not topic.followers and not topic.state for topic in self._topics.values()):
            self._sweep_later()

    def forget_idle_topics(self) -> None:
        """Drop the tails of topics that nobody has followed for a while. The values of states stay."""
        before = asyncio.get_running_loop().time() - limits.IDLE_TOPIC
        for topic in list(self._topics.values()):
            if topic.idle_since < before and topic.idle:
                del self._topics[topic.name]

    def _let_go_of_tails(self, most: int, wanted: Collection[str]) -> None:
        """Make room among `most` at the cost of topics that nobody follows and that are not `wanted`: a quarter of
        them, or as many as it takes.

        Those that hold no signals go first, because the rest of what they hold is in the log; then those that were left
        alone longest.
        """
        idle = [topic for topic in self._topics.values() if topic.idle and topic.name not in wanted]
        idle.sort(key=lambda topic: (len(topic.signals) > 0, topic.idle_since))
        for topic in idle[: max(len(idle) // 4, len(self._topics) - most) + 1]:
            del self._topics[topic.name]

    def _let_go_of_values(self, most: int) -> None:
        """Make room among `most` at the cost of states that nobody follows: the quarter of them that was left alone
        longest, or as many as it takes."""
        before = asyncio.get_running_loop().time() - limits.STATE_KEPT
        alone = [topic for topic in self._topics.values() if topic.idle_since < before and not topic.followers]
        alone = [topic for topic in alone if topic.state and not (topic.fresh or topic.promised)]
        alone.sort(key=attrgetter("idle_since"))
        for topic in alone[: max(len(alone) // 4, len(self._topics) - most) + 1]:
            self._state_bytes -= topic.size
            del self._topics[topic.name]
