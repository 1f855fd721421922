"""The room in memory: which topics have a place there, and how much of it their events and the values of states take.

Open topics, which everybody makes by using them, have a budget of their own, and each user has a share of it. They
never take the places or the bytes of the program's own topics.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from operator import attrgetter
from typing import Final, NamedTuple

from quart_app.realtime import limits
from quart_app.realtime.flow.counters import Counters
from quart_app.realtime.flow.topic_memory import TopicMemory
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.refused import Refused


class Held(NamedTuple):
    """How much of the values of open topics somebody holds: how many keys, and about how many bytes."""

    keys: int = 0
    bytes: int = 0

    def plus(self, keys: int, bytes: int) -> "Held":
        return Held(self.keys + keys, self.bytes + bytes)


NO_BOUND: Final = Held()
"""The share of users who may hold as much as they like."""


class Values:
    """The accounts of the values of open topics: what all of them take together, and what each user's take.

    `share` is what one user may hold, where 0 is as much as they like. A user without any value has no account.
    """

    def __init__(self, share: Held, counters: Counters) -> None:
        self.share = share
        self.bytes = 0
        self._held: dict[str, Held] = {}
        self._counters = counters

    def of(self, payer: str) -> Held:
        """Return what a user holds."""
        return self._held.get(payer, Held())

    def replace(self, old: Event | None, new: Event | None) -> None:
        """Note that the value `new` is where `old` was."""
        if old is not None:
            self.bytes -= old.size
            self.add(old.payer, -1, -old.size)
        if new is not None:
            self.bytes += new.size
            self.add(new.payer, 1, new.size)

    def add(self, payer: str, keys: int, bytes: int) -> None:
        """Note that a user holds so many keys and bytes more."""
        if payer:
            held = self.of(payer).plus(keys, bytes)
            if any(held):
                self._held[payer] = held
            else:
                self._held.pop(payer, None)

    def check(self, old: Event | None, new: Event) -> None:
        """Raise Refused where the value `new` in the place of `old` would be more than its user's share."""
        own = old is not None and old.payer == new.payer
        held, share = self.of(new.payer), self.share
        if not own and share.keys and held.keys >= share.keys:
            self._counters.quotas["quota_state_keys"] += 1
            said = f"you hold {held.keys:,} values of state topics; one user may hold {share.keys:,}"
            raise Refused("quota_state_keys", said, status=429)
        more = new.size - (old.size if old is not None and own else 0)
        if more > 0 and share.bytes and held.bytes + more > share.bytes:
            self._counters.quotas["quota_state_bytes"] += 1
            said = f"your values of state topics would be larger than the {share.bytes:,} bytes that one user may hold"
            raise Refused("quota_state_bytes", said, status=429)


class Room:
    """The places of topics, and the values in them; `topics` are those in memory, by name.

    `make(name)` returns the memory of a topic that has none yet.
    """

    def __init__(self, make: Callable[[str], TopicMemory], values: Values) -> None:
        self.topics: dict[str, TopicMemory] = {}
        self._make = make
        self._values = values
        self._open = 0
        self._tail_bytes = 0  # at most; what was dropped is not known before they are counted again

    # Places

    def place(self, name: str, beside: Collection[str] = ()) -> TopicMemory:
        """Return the memory of a topic, which is made where it has none, not at the cost of those `beside` it. Raise
        Refused."""
        return self.topics.get(name) or self._take_place(self._make(name), limits.TOPICS_IN_MEMORY, beside)

    def place_for_values(self, name: str) -> TopicMemory:
        """Return the memory of a state that nobody follows; an open one does not get the last places. Raise Refused."""
        most = limits.TOPICS_IN_MEMORY - limits.TOPICS_FOR_FOLLOWERS
        topic = self.topics.get(name)
        if topic is None:
            return self._take_place(self._make(name), most, ())
        if topic.open and topic.idle:  # it has had the place of whoever needs one, and is to keep it from now on
            self._make_room(most + 1, topic.open, (name,))
        return topic

    def _take_place(self, topic: TopicMemory, most: int, beside: Collection[str]) -> TopicMemory:
        self._make_room(most, topic.open, beside)
        self.topics[topic.name] = topic
        self._open += topic.open
        return topic

    def _make_room(self, most: int, open: bool, beside: Collection[str]) -> None:
        """Make room for one topic more, where `open` among `most` open ones, not at the cost of those `beside` it.

        Raise Refused.
        """
        for _ in self._ways_to_make_room(most, open, beside):
            if self._excess(most, open) < 0:
                return
        raise Refused("too_many_topics", "too many topics are in use", status=429)

    def _ways_to_make_room(self, most: int, open: bool, beside: Collection[str]) -> Iterator[None]:
        yield
        self.forget_idle_topics(beside)
        yield
        self._let_go_of_tails(self._excess(most, open), open, beside)
        yield
        self._let_go_of_values(self._excess(most, open))
        yield

    def _excess(self, most: int, open: bool) -> int:
        """Return how many topics there are above those beside which there is no room for one more; below 0 there is."""
        all_places = len(self.topics) - limits.TOPICS_IN_MEMORY - limits.OWN_TOPICS
        return max(all_places, self._open - most) if open else all_places

    def _drop(self, topic: TopicMemory) -> None:
        del self.topics[topic.name]
        self._open -= topic.open
        if topic.open:
            for value in topic.state.values():
                self._values.replace(value, None)

    def forget_idle_topics(self, wanted: Collection[str] = ()) -> None:
        """Drop the tails of topics that nobody has followed for a while, unless they are `wanted` now. The values of
        states stay."""
        before = asyncio.get_running_loop().time() - limits.IDLE_TOPIC
        for topic in list(self.topics.values()):
            if topic.idle_since < before and topic.idle and topic.name not in wanted:
                self._drop(topic)

    def _let_go_of_tails(self, excess: int, open: bool, wanted: Collection[str]) -> None:
        """Make room at the cost of topics that nobody follows and that are not `wanted`: a quarter of them, or as many
        as it takes. Those that are not `open` give way to their like alone, and last.

        Those that hold no signals go first, because the rest of what they hold is in the log; then those that were left
        alone longest.
        """
        idle = [topic for topic in self.topics.values() if topic.idle and topic.name not in wanted]
        idle = [topic for topic in idle if topic.open or not open]
        idle.sort(key=lambda topic: (not topic.open, len(topic.signals) > 0, topic.idle_since))
        for topic in idle[: max(len(idle) // 4, excess) + 1]:
            self._drop(topic)

    def _let_go_of_values(self, excess: int) -> None:
        """Make room at the cost of open states that nobody follows: the quarter of them that was left alone longest, or
        as many as it takes."""
        before = asyncio.get_running_loop().time() - limits.STATE_KEPT
        alone = [topic for topic in self.topics.values() if topic.idle_since < before and not topic.followers]
        alone = [topic for topic in alone if topic.open and topic.state and not (topic.fresh or topic.promised)]
        alone.sort(key=attrgetter("idle_since"))
        for topic in alone[: max(len(alone) // 4, excess) + 1]:
            self._drop(topic)

    # Tails

    def tails_grew(self, bytes: int) -> None:
        """Note that the tails have become so many bytes larger; where all are too large together, the largest go."""
        self._tail_bytes += bytes
        if self._tail_bytes > limits.TAILS_BYTES:
            self._tail_bytes = sum(topic.held for topic in self.topics.values())
            if self._tail_bytes > limits.TAILS_BYTES:
                self._let_go_of_large_tails()

    def _let_go_of_large_tails(self) -> None:
        """Empty the largest tails, of open topics first, until a quarter of the room is free."""
        for topic in sorted(self.topics.values(), key=lambda topic: (not topic.open, -topic.held)):
            if self._tail_bytes <= limits.TAILS_BYTES * 3 // 4:
                break
            self._tail_bytes -= topic.held
            topic.durable.let_go()
            topic.signals.let_go()

    # Values

    def check(self, topic: TopicMemory, event: Event) -> None:
        """Raise Refused where there is no room for a value of a state, unless room was kept for it."""
        if not topic.followers:
            topic.idle_since = asyncio.get_running_loop().time()
        if event in topic.promised:
            return
        old = topic.value(event.key or "")
        if old is None:
            _check_keys(topic, event.key or "")
        if topic.open:
            if event.payer:
                self._values.check(old, event)
            self._check_bytes(event.size - (old.size if old else 0))

    def _check_bytes(self, more: int) -> None:
        if more > 0 and self._values.bytes + more > limits.STATE_BYTES:
            self._let_go_of_values(0)
            if self._values.bytes + more > limits.STATE_BYTES:
                raise Refused("too_much_state", "the values of all open topics are too large together", status=429)

    def take_in(self, topic: TopicMemory, event: Event) -> Event | None:
        """Let a state hold a value from its next flush on; return what `put_back` has to be given."""
        key = event.key or ""
        before = topic.coming.get(key)
        if topic.open:
            self._values.replace(topic.value(key), event)
        topic.coming[key] = event
        return before

    def put_back(self, topic: TopicMemory, event: Event, before: Event | None) -> None:
        """Undo the last `take_in`, which was that of `event` and has returned `before`."""
        key = event.key or ""
        if before is None:
            del topic.coming[key]
        else:
            topic.coming[key] = before
        if topic.open:
            self._values.replace(event, topic.value(key))

    def keep(self, topic: TopicMemory, event: Event) -> Callable[[], None]:
        """Keep room for a value of a state; return what gives that up. Raise Refused where there is none."""
        self.check(topic, event)
        old = topic.value(event.key or "")
        more = max(0, event.size - (old.size if old else 0)) if topic.open else 0
        payer = event.payer if topic.open else ""
        # What it replaces may be another's by then, so all of it is kept for its user.
        keys = int(not any(one.key == event.key and one.payer == payer for one in topic.promised))
        topic.promised[event] = None
        self._values.bytes += more
        self._values.add(payer, keys, event.size)

        def give_up() -> None:
            del topic.promised[event]
            self._values.bytes -= more
            self._values.add(payer, -keys, -event.size)

        return give_up


def _check_keys(topic: TopicMemory, key: str) -> None:
    """Raise Refused where a state has no room for one key more."""
    if len(topic.state) + len(topic.coming) + len(topic.promised) < limits.STATE_KEYS:
        return
    promised = {waiting.key or "" for waiting in topic.promised}
    if len({key, *topic.state, *topic.coming, *promised}) > limits.STATE_KEYS:
        raise Refused("too_many_keys", f"{topic.name} holds {limits.STATE_KEYS} values already", status=409)
