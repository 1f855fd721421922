"""Topics in memory: what they keep, who is handed what, and what is forgotten."""

import asyncio
import contextlib

import pytest

from quart_app.realtime import limits
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.flow.topic_memory import Tail
from quart_app.realtime.messages.batch import Place
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.refused import Refused
from tests.realtime.clock import skipping_time
from tests.realtime.engine import Engine, brief, drain, turn


@pytest.fixture
async def engine() -> Engine:
    engine = Engine()
    await engine.relay.start()
    return engine


def tail(events: int, size: int) -> Tail:
    tail = Tail(lambda event: event.position, 0)
    for position in range(1, events + 1):
        tail.extend([Event("a", "b", b"x" * size, 0, position=position)])
    return tail


def value(topic: str, key: str, size: int = 10) -> Event:
    return Event(topic, "set", b"x" * size, 0, key=key)


def followed(engine: Engine, name: str) -> bool:
    return any(topic.followers for topic in engine.bus.topics() if topic.name == name)


class TestTails:
    @pytest.mark.parametrize("after", [0, 1, 5, 9, 10, 11])
    def test_what_is_after(self, after: int) -> None:
        assert [event.position for event in tail(10, 1).after(after)] == list(range(after + 1, 11))

    def test_the_number_of_events_is_bounded(self) -> None:
        full = tail(limits.TAIL_EVENTS, 1)
        assert full.floor == 0
        full.extend([Event("a", "b", b"", 0, position=limits.TAIL_EVENTS + 1)])
        assert len(full.after(0)) == limits.TAIL_EVENTS * 3 // 4
        assert full.after(0)[0].position == full.floor + 1
        assert full.after(0)[-1].position == limits.TAIL_EVENTS + 1

    def test_the_bytes_are_bounded(self) -> None:
        size = 10_000
        full = tail(200, size)
        kept = full.after(0)
        assert 0 < len(kept) * size <= limits.TAIL_BYTES
        assert kept[0].position == full.floor + 1
        assert kept[-1].position == 200

    def test_an_event_larger_than_the_tail_is_not_kept(self) -> None:
        full = tail(3, limits.TAIL_BYTES + 1)
        assert full.after(0) == []
        assert full.floor == 3

    def test_clearing(self) -> None:
        cleared = tail(3, 1)
        cleared.clear(7)
        assert cleared.after(0) == []
        assert cleared.floor == 7


class TestDelivery:
    async def test_all_who_wait_on_the_same_topics_share_one_batch(self, engine: Engine) -> None:
        readings = [asyncio.create_task(engine.subscribe("log/a", "log/b").read()) for _ in range(3)]
        await turn()
        engine.commit("log/a")
        engine.commit("log/b")
        batches = [await reading for reading in readings]
        assert brief(batches[0]) == [1, 2]
        assert batches[0] is batches[1] is batches[2]

    async def test_what_is_published_in_one_turn_comes_in_one_batch(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a", "live/x")
        reading = asyncio.create_task(subscription.read())
        await turn()
        for number in range(50):
            engine.commit("log/a")
            engine.broadcast("live/x", 1_000 + number)
        assert len(brief(await reading)) == 100

    @pytest.mark.parametrize(("limit", "value"), [("BATCH_EVENTS", 10), ("BATCH_BYTES", 2_000)])
    async def test_more_than_a_batch_comes_in_several(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
    ) -> None:
        monkeypatch.setattr(limits, limit, value)
        if limit == "BATCH_BYTES":
            monkeypatch.setattr(limits, "OWN_BATCH_BYTES", value)
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        engine.commit(*["log/a"] * 25, size=50)
        first = brief(await reading)
        assert first == list(range(1, len(first) + 1))
        assert 5 <= len(first) <= 10
        assert await drain(subscription) == list(range(len(first) + 1, 26))
        assert engine.log.reads == 0

    async def test_a_state_topic_hands_out_the_latest_value_of_each_key(self, engine: Engine) -> None:
        subscription = engine.subscribe("state/s")
        reading = asyncio.create_task(subscription.read())
        await turn()
        for number in range(10):
            engine.broadcast("state/s", number, key="even" if number % 2 == 0 else "odd")
        assert brief(await reading) == [8, 9]
        assert [event.key for event in engine.bus.latest("state/s")] == ["even", "odd"]
        assert engine.bus.latest("state/t") == []
        newcomer = engine.subscribe("state/s")
        engine.broadcast("state/s", 10, key="even")
        await turn()
        assert await drain(newcomer) == [9, 10]
        assert [event.key for event in engine.bus.latest("state/s")] == ["odd", "even"]

    async def test_signals_missed_are_counted(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 8)
        subscription = engine.subscribe("live/x")
        for number in range(20):
            engine.broadcast("live/x", number)
            engine.bus.flush()
        batch = await subscription.read_now()
        assert batch is not None
        assert b'"dropped":' in batch.messages[0].json
        left = [*brief(batch)[1:], *await drain(subscription)]
        assert left == list(range(20 - len(left), 20))
        assert subscription.dropped == 20 - len(left)
        assert b'"data":{"dropped":%d}' % subscription.dropped in batch.messages[0].json

    async def test_a_gap_is_told_once(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 8)
        monkeypatch.setattr(limits, "BATCH_EVENTS", 3)
        subscription = engine.subscribe("log/a", "live/x")
        engine.commit(*["log/a"] * 6)
        for number in range(20):
            engine.broadcast("live/x", 100 + number)
            engine.bus.flush()
        assert await drain(subscription) == ["gap", 1, 2, 3, 4, 5, 6, *range(100 + subscription.dropped, 120)]

    async def test_signals_before_it_came_are_not_missed(self, engine: Engine) -> None:
        engine.subscribe("live/x")
        for number in range(3_000):
            engine.broadcast("live/x", number)
        subscription = engine.subscribe("live/x")
        engine.broadcast("live/x", 3_000)
        await turn()
        assert await drain(subscription) == [3_000]
        assert subscription.dropped == 0


class TestDemand:
    async def test_it_tells_of_the_first_and_the_last_subscriber(self, engine: Engine) -> None:
        told: list[tuple[str, bool]] = []
        engine.bus.demand = lambda topic, wanted: told.append((topic, wanted))
        assert not followed(engine, "log/a")
        first, second = engine.subscribe("log/a"), engine.subscribe("log/a", "log/b")
        assert followed(engine, "log/a")
        assert told == [("log/a", True), ("log/b", True)]
        first.close()
        assert told[2:] == []
        second.close()
        assert sorted(told[2:]) == [("log/a", False), ("log/b", False)]
        assert not followed(engine, "log/a")

    async def test_a_change_of_topics_tells_of_those_that_change(self, engine: Engine) -> None:
        told: list[tuple[str, bool]] = []
        engine.bus.demand = lambda topic, wanted: told.append((topic, wanted))
        subscription = engine.subscribe("log/a", "log/b")
        subscription.add("log/c")
        subscription.remove("log/b")
        assert told[2:] == [("log/c", True), ("log/b", False)]


class TestMemory:
    async def test_a_signal_that_nobody_can_hear_takes_none(self, engine: Engine) -> None:
        engine.broadcast("live/x", 1)
        engine.commit("log/a")
        assert engine.bus.topics() == []
        engine.broadcast("state/s", 1)
        assert [topic.name for topic in engine.bus.topics()] == ["state/s"]

    @skipping_time
    async def test_topics_that_nobody_follows_are_forgotten(self) -> None:
        engine = Engine()
        await engine.relay.start()
        for _ in range(2):
            subscription = engine.subscribe("log/a", "live/x")
            stays = engine.subscribe("log/b")
            engine.broadcast("state/s", 1)
            subscription.close()
            await asyncio.sleep(limits.IDLE_TOPIC - 1)
            assert len(engine.bus.topics()) == 4
            await asyncio.sleep(limits.IDLE_TOPIC + 2)
            assert sorted(topic.name for topic in engine.bus.topics()) == ["log/b", "state/s"]
            stays.close()

    @skipping_time
    async def test_a_topic_that_was_forgotten_loses_no_event(self) -> None:
        engine = Engine()
        await engine.relay.start()
        subscription = engine.subscribe("log/a")
        engine.commit("log/a")
        assert await drain(subscription) == []
        subscription.close()
        await asyncio.sleep(3 * limits.IDLE_TOPIC)
        engine.commit("log/a")
        await turn()
        assert engine.bus.topics() == []
        assert await drain(engine.subscribe("log/a", since=0)) == [1, 2]

    @skipping_time
    async def test_counts_of_signals_go_on_when_a_topic_was_forgotten(self) -> None:
        engine = Engine()
        await engine.relay.start()
        subscription = engine.subscribe("live/x")
        for number in range(5):
            engine.broadcast("live/x", number)
        await turn()
        assert await drain(subscription) == [0, 1, 2, 3, 4]
        heard = subscription.full_cursor.seen[0]
        subscription.close()
        await asyncio.sleep(3 * limits.IDLE_TOPIC)
        assert engine.bus.topics() == []
        engine.broadcast("state/s", 0)
        newcomer = engine.subscribe("live/x")
        engine.broadcast("live/x", 5)
        await turn()
        assert newcomer.full_cursor.seen[0] >= heard
        assert await drain(newcomer) == [5]
        assert newcomer.full_cursor.seen[0] > heard
        # Who comes back from before is not told of a gap that nobody could count.
        returned = Subscription(engine.bus, engine.log, ["live/x"], "1", Place(0, {"live/x": heard}))
        assert await drain(returned) == [5]

    async def test_their_number_is_bounded(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 3)
        monkeypatch.setattr(limits, "IDLE_TOPIC", 0.0)
        subscription = engine.subscribe("log/a", "log/b", "log/c")
        with pytest.raises(Refused) as refused:
            engine.subscribe("log/d")
        assert (refused.value.code, refused.value.status) == ("too_many_topics", 429)
        with pytest.raises(Refused):
            engine.broadcast("state/s", 1)
        # Who follows what is in memory already is welcome, and idle ones make room.
        engine.subscribe("log/a")
        subscription.close()
        assert engine.subscribe("log/d").topics == ("log/d",)

    async def test_no_topic_is_forgotten_while_it_is_about_to_be_followed(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 3)
        for name in ("log/a", "log/b", "log/c"):
            engine.subscribe(name).close()
        for topic in engine.bus.topics():
            topic.idle_since -= limits.IDLE_TOPIC + 1
        # log/a is in memory, log/d is not: room is made for it, but not at the cost of log/a.
        audience = engine.bus.audience(["log/a", "log/d"])
        assert set(audience.topics) == set(engine.bus.topics())

    async def test_topics_that_were_only_touched_lock_nobody_out(self, engine: Engine) -> None:
        followed = engine.subscribe("log/followed")
        engine.subscribe("log/heard", "live/x").close()
        engine.broadcast("log/heard", 1)
        engine.bus.flush()
        for number in range(limits.TOPICS_IN_MEMORY + 5_000):
            engine.subscribe(f"log/{number}").close()  # as a poll does that waits for nothing
        assert len(engine.bus.topics()) <= limits.TOPICS_IN_MEMORY
        engine.commit("log/0", "log/followed")
        engine.bus.flush()
        assert await drain(followed) == [2]
        # What the log does not have, the signal, was let go of last.
        assert "log/heard" in [topic.name for topic in engine.bus.topics()]

    async def test_the_topics_of_one_reader_do_not_push_each_other_out(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 4)
        engine.subscribe("log/a", "log/b")
        engine.subscribe("log/c").close()
        assert engine.subscribe("log/d", "log/e").topics == ("log/d", "log/e")
        with pytest.raises(Refused):
            engine.subscribe("log/f")

    async def test_the_keys_of_a_state_topic_are_bounded(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STATE_KEYS", 3)
        for key in "abc":
            engine.broadcast("state/s", 1, key=key)
        for flush in (False, True):
            with pytest.raises(Refused) as refused:
                engine.broadcast("state/s", 1, key="d")
            assert (refused.value.code, refused.value.status) == ("too_many_keys", 409)
            engine.broadcast("state/s", 2, key="a")
            if flush:
                engine.bus.flush()
        assert len(engine.bus.latest("state/s")) == 3

    @skipping_time
    async def test_values_that_nobody_follows_lock_nobody_out(self) -> None:
        engine = Engine()
        await engine.relay.start()
        followed = engine.subscribe("state/followed")
        engine.broadcast("state/followed", 0)
        most = limits.TOPICS_IN_MEMORY - limits.TOPICS_FOR_FOLLOWERS
        for number in range(most - 1):
            engine.broadcast(f"state/s{number}", number)
        with pytest.raises(Refused) as refused:
            engine.broadcast("state/one more", 0)
        assert (refused.value.code, refused.value.status) == ("too_many_topics", 429)
        for number in range(limits.TOPICS_FOR_FOLLOWERS):
            engine.subscribe(f"log/{number}")  # who comes to follow is welcome
        with pytest.raises(Refused):
            engine.subscribe("log/a")  # all places are taken by those who follow, and by values that have just come
        engine.broadcast("state/followed", 1)
        await asyncio.sleep(limits.STATE_KEPT + 1)
        engine.broadcast("state/s0", 1)
        engine.subscribe("log/a")
        assert len(engine.bus.topics()) < limits.TOPICS_IN_MEMORY * 0.9
        assert [len(engine.bus.latest(f"state/s{number}")) for number in (0, 1, most - 2)] == [1, 0, 1]
        assert await drain(followed) == [1]

    async def test_values_that_nobody_follows_have_the_places_of_topics_that_were_only_touched(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 20)
        monkeypatch.setattr(limits, "TOPICS_FOR_FOLLOWERS", 5)
        for number in range(20):
            engine.subscribe(f"state/s{number}").close()
        for number in range(15):
            engine.broadcast(f"state/s{number}", number)
        with pytest.raises(Refused):
            engine.broadcast("state/s15", 15)
        assert len(engine.bus.topics()) == 15
        engine.broadcast("state/s0", 1)
        engine.subscribe(*[f"log/{number}" for number in range(5)])

    @skipping_time
    async def test_the_bytes_of_all_values_are_bounded(self) -> None:
        engine = Engine()
        await engine.relay.start()
        size = limits.STATE_BYTES // 100

        def publish(number: int, key: str) -> None:
            engine.publish([Event(f"state/s{number}", "set", b"x" * size, 0, key=key)])
            engine.bus.flush()

        publish(0, "a")
        await asyncio.sleep(limits.STATE_KEPT + 1)
        for number in range(1, 200):
            publish(1, "the same key again")
            with contextlib.suppress(Refused):
                publish(number, f"{number}")
        held = sum(len(event.fields) for topic in engine.bus.topics() for event in topic.state.values())
        assert limits.STATE_BYTES * 0.9 < held <= limits.STATE_BYTES
        assert engine.bus.latest("state/s0") == []
        with pytest.raises(Refused) as refused:
            publish(300, "b")
        assert (refused.value.code, refused.value.status) == ("too_much_state", 429)
        await asyncio.sleep(limits.STATE_KEPT + 1)
        publish(300, "b")
        assert len(engine.bus.latest("state/s300")) == 1

    async def test_many_values_of_one_key_are_one_key(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STATE_KEYS", 3)
        for number in range(10):
            engine.broadcast("state/s", number, key="a")
        engine.broadcast("state/s", 10, key="b")
        engine.bus.flush()
        assert len(engine.bus.latest("state/s")) == 2

    async def test_room_that_is_kept_is_nobody_elses(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STATE_KEYS", 2)
        monkeypatch.setattr(limits, "STATE_BYTES", 4 * value("state/s", "a").size)
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 2)
        monkeypatch.setattr(limits, "TOPICS_FOR_FOLLOWERS", 0)
        engine.broadcast("state/s", 1, key="a")
        engine.bus.flush()
        promised = [value("state/s", "a"), value("state/s", "b"), value("state/t", "a"), value("live/x", "a")]
        give_up = engine.bus.keep_room(promised)
        assert [event.key for event in engine.bus.latest("state/s")] == ["a"]
        for other in (value("state/s", "c"), value("state/t", "b", size=100), value("state/u", "a")):
            with pytest.raises(Refused):
                engine.bus.keep_room([other])
            with pytest.raises(Refused):
                engine.publish([other])
        for allowed in (value("state/s", "a"), value("state/s", "b"), value("state/t", "b")):
            engine.bus.keep_room([allowed])()
        # They have their room even where there is none any more.
        monkeypatch.setattr(limits, "STATE_KEYS", 0)
        monkeypatch.setattr(limits, "STATE_BYTES", 0)
        engine.publish(promised)
        give_up()
        engine.bus.flush()
        assert engine.bus.latest("state/s") == promised[:2]
        assert engine.bus.latest("state/t") == promised[2:3]

    async def test_room_that_is_given_up_is_everybodys(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STATE_KEYS", 1)
        monkeypatch.setattr(limits, "STATE_BYTES", value("state/s", "a").size)
        monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 1)
        monkeypatch.setattr(limits, "TOPICS_FOR_FOLLOWERS", 0)
        for _ in range(2):
            with pytest.raises(Refused):
                engine.bus.keep_room([value("state/s", "a"), value("state/s", "b")])
            give_up = engine.bus.keep_room([value("state/s", "a")])
            with pytest.raises(Refused):
                engine.subscribe("log/a")
            give_up()
            give_up()
            engine.bus.keep_room([value("state/t", "b")])()
            engine.subscribe("log/a").close()
        engine.broadcast("state/u", 1, key="a")

    async def test_the_readers_of_the_log_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 0)
        engine = Engine()
        await engine.relay.start()
        engine.commit("log/a")
        engine.bus.flush()
        engine.log.gate.clear()
        subscriptions = [engine.subscribe("log/a", since=0) for _ in range(limits.CONCURRENT_LOG_READS + 5)]
        readings = [asyncio.create_task(subscription.read()) for subscription in subscriptions]
        await turn()
        assert engine.log.reading == limits.CONCURRENT_LOG_READS
        engine.log.gate.set()
        assert [brief(await reading) for reading in readings] == [[1]] * len(readings)
