"""The room in memory: whoever publishes what, no user holds more than a share, and the program has its own places."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quart_app.realtime import limits
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.flow.room import Held
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from tests.realtime.clock import skipping_time
from tests.realtime.engine import Engine, drain, kind_of

SHARE = Held(keys=4, bytes=1_000)


def kind(topic: str) -> Kind:
    return Kind.STATE if topic in {"sensors", "stats"} else kind_of(topic)


def bus(share: Held = SHARE) -> Bus:
    return Bus(kind, share=share)


def value(topic: str, key: str, payer: str, size: int = 10) -> Event:
    return Event(topic, "set", b"x" * size, 0, key=key, payer=payer)


def follow(bus: Bus, *topics: str) -> Subscription:
    return Subscription(bus, MemoryLog(), topics, "1", bus.now(topics))


def codes(bus: Bus, *events: Event) -> str | None:
    """Publish, and return the code of the refusal, None where there is none."""
    try:
        bus.publish(events)
    except Refused as refused:
        return refused.code
    return None


def held(bus: Bus, payer: str) -> Held:
    """What a user holds, counted value by value."""
    values = [value for topic in bus.topics() for value in {**topic.state, **topic.coming}.values() if topic.open]
    own = [value for value in values if value.payer == payer]
    return Held(len(own), sum(value.size for value in own))


class TestShares:
    async def test_keys(self) -> None:
        here = bus()
        assert codes(here, *[value("state/a", f"{number}", "1") for number in range(4)]) is None
        for flushed in (False, True):
            with pytest.raises(Refused, match="you hold 4 values of state topics; one user may hold 4") as refused:
                here.publish([value("state/b", "5", "1")])
            assert (refused.value.code, refused.value.status) == ("quota_state_keys", 429)
            assert codes(here, value("state/a", "1", "1")) is None  # its own value anew
            assert codes(here, value("state/b", "5", "2")) is None
            assert codes(here, value("state/b", "6", "")) is None  # nobody's
            if not flushed:
                here.flush()
        assert here.counters.quotas["quota_state_keys"] == 2

    async def test_bytes(self) -> None:
        here = bus()
        assert codes(here, value("state/a", "a", "1", size=800)) is None
        assert codes(here, value("state/b", "b", "1", size=100)) == "quota_state_bytes"
        assert codes(here, value("state/a", "a", "1", size=850)) is None
        assert codes(here, value("state/a", "a", "1", size=10)) is None
        assert codes(here, value("state/b", "b", "1", size=100)) is None

    async def test_who_replaces_anothers_value_holds_it(self) -> None:
        here = bus()
        here.publish([value("state/a", f"{number}", "1") for number in range(4)])
        here.flush()
        here.publish([value("state/a", "0", "2")])
        assert (held(here, "1").keys, held(here, "2").keys) == (3, 1)
        assert codes(here, value("state/b", "9", "1")) is None

    async def test_the_programs_own_values_are_nobodys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STATE_BYTES", 2_000)
        here = bus(Held(0, 0))
        assert codes(here, value("state/a", "a", "1", size=1_800)) is None
        assert codes(here, value("state/b", "b", "2", size=1_800)) == "too_much_state"
        assert codes(here, *[value("sensors", f"{number}", "", size=1_800) for number in range(10)]) is None
        here.flush()
        assert len(here.latest("sensors")) == 10

    async def test_a_list_that_is_refused_leaves_the_accounts_as_they_were(self) -> None:
        here = bus()
        here.publish([value("state/a", "a", "1", size=300)])
        replaced = [value("state/a", "a", "1"), value("state/a", "a", "2")]
        assert codes(here, *replaced, *[value("state/b", key, "1") for key in "abcde"]) == "quota_state_keys"
        here.flush()
        assert [one.size for one in here.latest("state/a")] == [440]
        assert codes(here, *[value("state/b", key, "1") for key in "abc"]) is None
        assert codes(here, *[value("state/c", key, "2") for key in "abcd"]) is None

    async def test_room_that_is_kept_counts_and_that_is_given_up_does_not(self) -> None:
        here = bus()
        kept = here.keep_room([value("state/a", key, "1") for key in ("a", "b", "b", "b")])
        assert codes(here, *[value("state/b", key, "1") for key in "abc"]) == "quota_state_keys"
        assert codes(here, *[value("state/b", key, "1") for key in "ab"]) is None
        kept()
        kept()
        assert codes(here, *[value("state/b", key, "1") for key in "cd"]) is None
        with pytest.raises(Refused):
            here.keep_room([value("state/b", "e", "1")])

    @skipping_time
    async def test_who_loses_values_to_others_may_make_new_ones(self) -> None:
        here = bus()
        here.publish([value("state/a", f"{number}", "1") for number in range(4)])
        here.flush()
        with pytest.MonkeyPatch.context() as few:
            few.setattr(limits, "TOPICS_IN_MEMORY", 1)
            await asyncio.sleep(limits.STATE_KEPT + 1)
            follow(here, "log/a")
        assert here.latest("state/a") == []
        assert codes(here, *[value("state/b", key, "1") for key in "abcd"]) is None


class TestPlaces:
    async def test_open_topics_never_take_the_places_of_the_programs_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 10)
        monkeypatch.setattr(limits, "OWN_TOPICS", 3)
        here = bus()
        follow(here, *[f"log/{number}" for number in range(10)])
        for name in ("log/more", "live/more"):
            with pytest.raises(Refused) as refused:
                follow(here, name)
            assert (refused.value.code, refused.value.status) == ("too_many_topics", 429)
        for name in ("rooms/1", "products", "stats"):
            follow(here, name)
        with pytest.raises(Refused):
            follow(here, "rooms/2")

    async def test_idle_open_topics_go_first_and_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 10)
        monkeypatch.setattr(limits, "OWN_TOPICS", 3)
        here = bus()
        for number in range(3):
            follow(here, f"rooms/{number}").close()
        for number in range(10):
            follow(here, f"log/{number}").close()
        follow(here, "log/new", "rooms/new", "products", "stats")
        names = {topic.name for topic in here.topics()}
        assert {"rooms/0", "rooms/1", "rooms/2", "log/new"} <= names
        assert len(names) <= 13

    async def test_a_value_of_the_programs_own_has_a_place_though_nobody_follows_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 5)
        monkeypatch.setattr(limits, "TOPICS_FOR_FOLLOWERS", 5)
        monkeypatch.setattr(limits, "OWN_TOPICS", 2)
        here = bus()
        follow(here, *[f"log/{number}" for number in range(5)])
        assert codes(here, value("state/a", "a", "1")) == "too_many_topics"
        assert codes(here, value("sensors", "a", "")) is None
        follow(here, "stats")
        follow(here, "sensors").close()
        assert codes(here, value("sensors", "b", "")) is None
        here.flush()
        assert len(here.latest("sensors")) == 2

    @skipping_time
    async def test_a_topic_that_was_idle_for_long_takes_a_value_for_good_or_not_at_all(self) -> None:
        with pytest.MonkeyPatch.context() as few:
            few.setattr(limits, "TOPICS_IN_MEMORY", 4)
            few.setattr(limits, "TOPICS_FOR_FOLLOWERS", 1)
            here = bus()
            follow(here, "state/a").close()
            follow(here, "log/a", "log/b", "log/c")
            await asyncio.sleep(limits.IDLE_TOPIC + 1)
            assert codes(here, value("state/a", "k", "1")) == "too_many_topics"
            follow(here, "state/a")
            assert codes(here, value("state/a", "k", "1")) is None
            here.flush()
            assert len(here.latest("state/a")) == 1


class TestTails:
    async def test_the_largest_of_open_topics_give_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TAILS_BYTES", 100_000)
        engine = Engine()
        here, log = engine.bus, engine.log
        followers = [Subscription(here, log, [name], "1", here.now([name])) for name in ("rooms/1", "live/small")]
        flooding = [Subscription(here, log, [f"live/{n}"], "2", here.now([f"live/{n}"])) for n in range(10)]

        def publish(topic: str, size: int) -> None:
            engine.publish([Event(topic, "said", b'{"data":"%b"}' % (b"x" * size), 0)])
            here.flush()

        for topic in ("rooms/1", "rooms/1", "live/small"):
            publish(topic, 15_000 if topic == "rooms/1" else 100)
        for number in range(300):
            publish(f"live/{number % 10}", 3_000)
            assert here.memory().bytes <= 100_000
        messages = [await follower.collect(0) for follower in followers]
        assert [len(one) for one in messages] == [2, 1]
        lost = [await one.collect(0) for one in flooding]
        told = [json.loads(one[0].json) for one in lost if one and b'"type":"gap"' in one[0].json]
        assert told, "who lost signals is told"
        assert (
            sum(one["data"]["dropped"] for one in told)
            + sum(b'"said"' in message.json for one in lost for message in one)
            == 300
        )

    async def test_what_is_in_the_log_is_read_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TAILS_BYTES", 20_000)
        engine = Engine()
        await engine.relay.start()
        topics = [f"log/{number}" for number in range(5)]
        late = [engine.subscribe(topic) for topic in topics]
        others = [engine.subscribe(topic) for topic in topics]
        for _ in range(40):
            engine.commit(*topics, size=200)
            engine.bus.flush()
            assert engine.bus.memory().bytes <= 20_000
        for number, one in enumerate(late):
            assert await drain(one) == list(range(number + 1, 201, 5))
            assert engine.bus.memory().bytes <= 20_000
        assert engine.log.reads > 0
        assert [one.behind for one in others] == [True] * 5


payers = st.sampled_from(["1", "2", ""])
values = st.builds(
    value, st.sampled_from(["state/a", "state/b", "sensors"]), st.sampled_from("klm"), payers, st.integers(1, 500)
)
lists = st.lists(values, min_size=1, max_size=6)
topics = st.sampled_from(["state/a", "log/a", "log/b", "live/c", "live/d", "stats", "rooms/1"])
steps = st.one_of(
    st.tuples(st.just("publish"), lists),
    st.tuples(st.just("publish"), lists),
    st.tuples(st.just("keep"), lists),
    st.tuples(st.just("give up"), st.none()),
    st.tuples(st.just("flush"), st.none()),
    st.tuples(st.just("follow"), topics),
    st.tuples(st.just("close"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([1.0, limits.STATE_KEPT + 1, limits.IDLE_TOPIC + 1])),
)


class Steps:
    """What happens to one bus, and what has to hold after each step."""

    def __init__(self) -> None:
        self.bus = bus()
        self.kept: list[tuple[Sequence[Event], Callable[[], None]]] = []
        self.followers: list[Subscription] = []

    async def take(self, name: str, what: Any) -> None:
        before = {payer: held(self.bus, payer) for payer in "12"}
        try:
            await self.act(name, what)
        except Refused:
            for payer, own in before.items():  # others may have made room for it in vain
                assert held(self.bus, payer).keys <= own.keys

    async def act(self, name: str, what: Any) -> None:
        match name:
            case "publish":
                self.bus.publish(what)
            case "keep":
                self.kept.append((what, self.bus.keep_room(what)))
            case "give up" if self.kept:
                promised, give_up = self.kept.pop()
                self.bus.publish(promised)  # it is never refused
                give_up()
            case "flush":
                self.bus.flush()
            case "follow":
                self.followers.append(follow(self.bus, what))
            case "close" if self.followers:
                self.followers.pop().close()
            case "wait":
                self.bus.flush()
                await asyncio.sleep(what)

    def check(self) -> None:
        for payer in "12":
            own = held(self.bus, payer)
            assert own.keys <= SHARE.keys
            assert own.bytes <= SHARE.bytes
        accounts = self.bus._room._values
        if not self.kept:
            open_values = [held(self.bus, payer) for payer in ("1", "2", "")]
            assert accounts.bytes == sum(one.bytes for one in open_values)
            assert [accounts.of(payer) for payer in "12"] == open_values[:2]
            assert set(accounts._held) == {payer for payer in "12" if held(self.bus, payer).keys}
        names = [topic.name for topic in self.bus.topics()]
        assert sum(name.startswith(("log/", "state/", "live/")) for name in names) <= limits.TOPICS_IN_MEMORY
        assert len(names) <= limits.TOPICS_IN_MEMORY + limits.OWN_TOPICS

    def nobody_is_locked_out(self) -> None:
        for name in ("products", "rooms/7"):
            follow(self.bus, name).close()


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=25))
def test_whatever_happens(taken: list[tuple[str, Any]]) -> None:
    @skipping_time
    async def run() -> None:
        here = Steps()
        for name, what in taken:
            await here.take(name, what)
            here.check()
        for _, give_up in here.kept:
            give_up()
        here.kept.clear()
        here.check()
        here.nobody_is_locked_out()

    with pytest.MonkeyPatch.context() as small:
        for name, most in {
            "TOPICS_IN_MEMORY": 4, "TOPICS_FOR_FOLLOWERS": 1, "OWN_TOPICS": 4, "STATE_BYTES": 2_500, "STATE_KEYS": 5,
        }.items():  # fmt: skip
            small.setattr(limits, name, most)
        run()
