"""Whatever happens, in any order: no subscriber gets a gap, a repeat, or a wrong order."""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from quart_app.realtime import limits
from tests.realtime.clock import end_tasks
from tests.realtime.reader import Fact, Reader
from tests.realtime.world import DURABLE, SIGNAL, STATE, TOPICS, Action, World, turns

T = TypeVar("T")
Publications = list[tuple[Any, ...]]

# Limits small enough to be reached within a few steps; an event has about 150 bytes beside its padding.
SMALL = {
    "TAIL_EVENTS": 4,
    "TAIL_BYTES": 2_500,
    "TAILS_BYTES": 5_000,
    "BATCH_EVENTS": 5,
    "BATCH_BYTES": 900,
    "OWN_BATCH_BYTES": 700,
    "LOG_READ_FIRST": 4,
    "LOG_READ_EVENTS": 4,
    "TOPICS_IN_MEMORY": 9,
    "TOPICS_FOR_FOLLOWERS": 1,
}

users = st.sampled_from(["1", "2"])
hidden = st.sampled_from([None, None, None, "1"])
sizes = st.sampled_from([0, 0, 0, 100, 400, 3_000])
facts = st.builds(Fact, st.sampled_from(DURABLE), hidden)
wakes = st.sampled_from(["told", "told", "told", "woken", "late", "lost"])
commits = st.tuples(st.just("commit"), st.lists(facts, min_size=1, max_size=8), sizes, wakes)
# A durable topic may carry signals too.
signals = st.tuples(st.just("signal"), st.sampled_from((*SIGNAL, DURABLE[0])), hidden, sizes, st.integers(1, 6))
values = st.tuples(st.just("value"), st.sampled_from(STATE), st.sampled_from("kl"), hidden)
losses = st.tuples(st.just("lose"), st.lists(facts, min_size=1, max_size=6), st.integers(0, 2))
chances = st.integers(0, 1_000)
tellings = st.tuples(st.just("tell"), chances, st.sampled_from(["note", "heartbeat", "heartbeat", "goodbye"]))
publications = st.one_of(commits, commits, commits, signals, values, losses, tellings, tellings, tellings)
along = st.lists(publications, max_size=8)
first = st.lists(publications, max_size=3)
batches = st.sampled_from([0.0, 1.0, 2.0, float("inf"), float("inf")])
delays = st.sampled_from([0, 1, 3, 10])
topic_sets = st.lists(st.sampled_from(TOPICS), min_size=1, max_size=4, unique=True)


class Machine(RuleBasedStateMachine):
    """One world. A rule that has nobody to act on does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        for name, value in SMALL.items():
            self.patch.setattr(limits, name, value)
        self.loop = asyncio.new_event_loop()
        self.world = World()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def soon(self, action: Action) -> None:
        """Run `action` within one turn of the loop, and no other turn."""

        async def turn() -> None:
            action()

        self.run(turn())

    def action(self, publication: tuple[Any, ...]) -> Action:
        name, *arguments = publication
        return partial(getattr(self.world, name), *arguments)

    def actions(self, publications: Publications, first: Sequence[tuple[Any, ...]] = ()) -> list[Action]:
        """What is published turn by turn; `first` all at once in the turn in which the next thing begins."""
        for publication in first:
            self.world.later(self.action(publication))
        return [self.action(publication) for publication in publications]

    @initialize(delay=delays)
    def begin(self, delay: int) -> None:
        self.run(self.world.start(delay))

    # Publishing

    @rule(publication=publications)
    def publish(self, publication: tuple[Any, ...]) -> None:
        self.soon(self.action(publication))

    @rule(publications=st.lists(publications, min_size=2, max_size=8))
    def publish_in_one_turn(self, publications: Publications) -> None:
        for action in self.actions(publications):
            self.world.later(action)
        self.soon(self.world.act)

    @rule(publications=st.lists(publications, min_size=2, max_size=8))
    def publish_turn_by_turn(self, publications: Publications) -> None:
        self.run(self.world.along(turns(0), self.actions(publications)))

    @precondition(lambda self: self.world.late)
    @rule(chance=chances)
    def tell_late(self, chance: int) -> None:
        self.soon(lambda: self.world.tell_late(chance % len(self.world.late)))

    @rule(ahead=st.integers(-5, 5))
    def wake(self, ahead: int) -> None:
        self.soon(lambda: self.world.hub.relay.wake(len(self.world.published.facts) + ahead))

    # Streams

    def stream(self, chance: int) -> Reader:
        return list(self.world.streams)[chance % len(self.world.streams)]

    @precondition(lambda self: len(self.world.readers) < 6)
    @rule(
        user=users,
        topics=topic_sets,
        since=st.sampled_from([None, None, "0"]),
        batches=batches,
        first=first,
        along=along,
    )
    def connect(
        self, user: str, topics: list[str], since: str | None, batches: float, first: Publications, along: Publications
    ) -> None:
        reader = Reader(self.world.published, user)
        reader.cursor = since
        self.world.readers.append(reader)
        self.run(self.world.open(reader, topics, (), batches, self.actions(along, first)))

    @precondition(lambda self: self.world.streams)
    @rule(chance=chances)
    def disconnect(self, chance: int) -> None:
        self.run(self.world.disconnect(self.stream(chance)))

    @precondition(lambda self: self.world.streams)
    @rule(chance=chances, batches=batches, along=along)
    def allow(self, chance: int, batches: float, along: Publications) -> None:
        allow = partial(self.world.streams[self.stream(chance)].allow, batches)
        self.run(self.world.along(turns(0), [allow, *self.actions(along)]))

    @precondition(lambda self: self.world.streams)
    @rule(chance=chances, topic=st.sampled_from(TOPICS), first=first, along=along)
    def add_or_remove(self, chance: int, topic: str, first: Publications, along: Publications) -> None:
        reader = self.stream(chance)
        topics = self.world.streams[reader].connection.subscription.topics
        if self.world.streams[reader].connection.ending is not None:
            return
        if topic not in topics:
            self.run(self.world.add(reader, topic, self.actions(along, first)))
        elif len(topics) > 1:
            self.run(self.world.remove(reader, topic, self.actions(along, first)))

    # Those who come back

    def absent(self, chance: int) -> Reader | None:
        absent = [reader for reader in self.world.readers if reader not in self.world.streams and reader.topics]
        return absent[chance % len(absent)] if absent else None

    @rule(chance=chances, more=st.lists(st.sampled_from(TOPICS), max_size=2), batches=batches, first=first, along=along)
    def come_back(self, chance: int, more: list[str], batches: float, first: Publications, along: Publications) -> None:
        if (reader := self.absent(chance)) is not None:
            fresh = set(more) - set(reader.topics)
            topics = sorted({*reader.topics, *fresh})
            self.run(self.world.open(reader, topics, fresh, batches, self.actions(along, first)))

    @rule(
        chance=chances, more=st.lists(st.sampled_from(TOPICS), max_size=2), less=st.booleans(), first=first, along=along
    )
    def poll(self, chance: int, more: list[str], less: bool, first: Publications, along: Publications) -> None:
        if (reader := self.absent(chance)) is not None:
            fresh = set(more) - set(reader.topics)
            kept = sorted(reader.topics)[1 if less and len(reader.topics) > 1 else 0 :]
            self.run(self.world.poll(reader, [*kept, *sorted(fresh)], fresh, self.actions(along, first)))

    @rule(chance=chances, first=first, along=along)
    def poll_again(self, chance: int, first: Publications, along: Publications) -> None:
        if (reader := self.absent(chance)) is not None:
            self.run(self.world.poll(reader, sorted(reader.topics), (), self.actions(along, first)))

    @rule(chance=chances)
    def poll_in_vain(self, chance: int) -> None:
        if (reader := self.absent(chance)) is not None:
            self.run(self.world.poll_in_vain(reader, sorted(reader.topics)))

    # The rest of the world

    @rule(chance=chances)
    def trim(self, chance: int) -> None:
        floor, head = self.world.published.floor, len(self.world.published.facts)
        self.world.trim(floor + chance % (head - floor + 1))

    @rule(delay=delays, forget=st.booleans())
    def time_passes(self, delay: int, forget: bool) -> None:
        self.world.log.delay = delay
        if forget:
            self.soon(self.world.forget)

    @rule(chance=chances, restored=st.booleans())
    def restart(self, chance: int, restored: bool) -> None:
        if restored:
            self.run(self.world.restore(chance % (len(self.world.published.facts) + 1)))
        else:
            self.run(self.world.restart())

    @rule()
    def settle(self) -> None:
        self.run(self.world.settle())

    @invariant()
    def nobody_complains(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        try:
            self.run(self.world.settle())
            self.run(self.world.stop())
            assert not any(topic.followers for topic in self.world.hub.bus.topics())
        finally:
            self.run(end_tasks())
            self.patch.undo()
            self.loop.close()


Machine.TestCase.settings = settings(
    max_examples=300,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMachine = Machine.TestCase
