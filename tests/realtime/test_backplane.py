"""How transient events are counted: each topic's without a hole, and what is missing is told exactly."""

from typing import Any

import pytest

from quart_app.realtime import limits
from quart_app.realtime.flow.backplane import Count
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.flow.ring import Ring
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.messages.batch import Place
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.refused import Refused
from tests.realtime.engine import Engine, drain, kind_of, turn


def signal(topic: str, ordinal: int, *, first: int = 0, size: int = 0) -> Event:
    event = Event(topic, "moved", b'{"data":%d,"pad":"%b"}' % (ordinal, b"." * size), 0)
    event.ordinal, event.first = ordinal, first
    return event


def follow(bus: Bus, topic: str, seen: int | None = None) -> Subscription:
    place = bus.now((topic,)) if seen is None else Place(bus.position, {topic: seen})
    return Subscription(bus, MemoryLog(), (topic,), "1", place)


async def read(subscription: Subscription) -> list[Any]:
    """Return all that is there to be read after what was published has been handed out."""
    await turn()
    return await drain(subscription)


def dropped(subscription: Subscription) -> int:
    return subscription.dropped


class TestAlone:
    """The backplane of a program that is alone."""

    async def test_each_topic_is_counted_from_where_all_are_together(self) -> None:
        engine = Engine()
        numbers = [engine.broadcast(topic, 0).ordinal for topic in ("live/x", "live/x", "live/y", "live/x", "live/y")]
        assert numbers[1] == numbers[0] + 1
        assert numbers[3] == numbers[1] + 1
        assert numbers[4] == numbers[2] + 1
        assert numbers[2] > numbers[1]

    async def test_what_is_refused_has_no_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STATE_KEYS", 1)
        engine = Engine()
        before = engine.broadcast("state/s", 0, key="a").ordinal
        with pytest.raises(Refused):
            engine.publish([Event("state/s", "moved", b"{}", 0, key=key) for key in "ab"])
        assert engine.broadcast("state/s", 1, key="a").ordinal == before + 1

    async def test_the_counts_are_bounded_and_one_that_begins_anew_is_no_gap(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TOPICS_COUNTED", 4)
        engine = Engine()
        subscription = engine.subscribe("live/x")
        last = engine.broadcast("live/x", 1).ordinal
        for number in range(10):
            engine.broadcast(f"live/{number}", 0)
        assert engine.broadcast("live/x", 2).ordinal > last + 1
        assert await read(subscription) == [1, 2]
        assert dropped(subscription) == 0


class TestHoles:
    """A number that does not come is a signal that is missing."""

    @pytest.mark.parametrize("at_the_head", [True, False])
    async def test_a_hole_is_told_by_its_size(self, at_the_head: bool) -> None:
        bus = Bus(kind_of, count_of=lambda topic: Count(0, 4))
        subscription = follow(bus, "live/x")
        bus.publish([signal("live/x", 5)])
        if at_the_head:
            assert await read(subscription) == [5]
        bus.publish([signal("live/x", 9), signal("live/x", 10)])
        bus.flush()
        assert await read(subscription) == ["gap", 9, 10]
        # What has not been read before a hole is missing too.
        assert dropped(subscription) == (3 if at_the_head else 4)

    async def test_what_comes_again_or_too_late_does_not_come_twice(self) -> None:
        bus = Bus(kind_of, count_of=lambda topic: Count(0, 4))
        subscription = follow(bus, "live/x")
        for ordinal in (5, 6, 5, 8, 7, 8, 9):
            bus.publish([signal("live/x", ordinal)])
            bus.flush()
        assert await read(subscription) == ["gap", 8, 9]
        assert dropped(subscription) == 3

    async def test_what_is_said_to_be_lost_is_told_at_once_and_once(self) -> None:
        bus = Bus(kind_of, count_of=lambda topic: Count(0, 4))
        reading, streaming = follow(bus, "live/x"), follow(bus, "live/x")
        streaming.wait(lambda batch: None)
        bus.lose("live/x", Count(0, 7))
        bus.lose("live/x", Count(0, 6))
        bus.lose("live/unknown", Count(0, 6))
        assert not streaming.idle
        for subscription in (reading, streaming):
            assert await read(subscription) == ["gap"]
            assert dropped(subscription) == 3
        bus.publish([signal("live/x", 8)])
        bus.flush()
        assert await read(reading) == [8]

    async def test_a_count_that_began_after_a_topic_was_forgotten_misses_what_came_since(self) -> None:
        bus = Bus(kind_of, count_of=lambda topic: Count(0, 4))
        subscription = follow(bus, "live/x")
        bus.publish([signal("live/x", 103, first=100)])
        bus.flush()
        assert await read(subscription) == ["gap", 103]
        assert dropped(subscription) == 2


class TestUnknown:
    """A process may not know how far a topic is counted."""

    async def test_who_comes_then_starts_with_what_comes(self) -> None:
        bus = Bus(kind_of)
        assert bus.unknown(("live/x", "log/a"), {}) == ["live/x", "log/a"]
        newcomer, back = follow(bus, "live/x"), follow(bus, "live/x", seen=40)
        bus.found("live/x", Count(30, 50), ())
        assert bus.unknown(("live/x",), {}) == []
        assert (await read(newcomer), await read(back)) == ([], ["gap"])
        assert (dropped(newcomer), dropped(back)) == (0, 10)
        bus.publish([signal("live/x", 51, first=30)])
        assert (await read(newcomer), await read(back)) == ([51], [51])
        bus.interrupted()
        assert bus.unknown(("live/x",), {}) == ["live/x"]
        bus.found("live/x", Count(30, 51), ())
        assert (await read(newcomer), dropped(newcomer)) == ([], 0)

    async def test_who_has_seen_more_elsewhere_hears_nothing_again_however_much_there_is_to_read(self) -> None:
        engine = Engine()
        bus = engine.bus
        bus.found("live/x", Count(1, 3), ())
        back = Subscription(bus, engine.log, ("live/x", "log/a"), "1", Place(0, {"live/x": 5}))
        engine.commit(*["log/a"] * (limits.BATCH_EVENTS + 5))
        await read(back)
        bus.publish([signal("live/x", number, first=1) for number in (4, 5, 6)])
        assert await read(back) == [6]

    async def test_values_that_are_other_than_here_are_news(self) -> None:
        bus = Bus(kind_of)

        def value(key: str, number: int, ordinal: int) -> Event:
            event = Event("state/s", "moved", b'{"data":%d}' % number, 0, key=key)
            event.ordinal = ordinal
            return event

        subscription = follow(bus, "state/s")
        bus.found("state/s", Count(0, 3), [value("a", 1, 2), value("b", 2, 3)])
        assert await read(subscription) == [1, 2]
        moved = Subscription(bus, MemoryLog(), ("state/s",), "1", subscription._audience.place)
        bus.publish_unnumbered([value("a", 9, 0)])
        bus.flush()
        assert await read(subscription) == [9]
        bus.found("state/s", Count(0, 6), [value("a", 1, 2), value("b", 2, 3), value("c", 3, 4)])
        assert await read(subscription) == [1, 3]
        assert await read(moved) == [1, 3]
        assert sorted(event.key or "" for event in bus.latest("state/s")) == ["a", "b", "c"]


class TestUnheard:
    """What nobody follows here may be asked for by somebody who comes from another process."""

    async def test_who_comes_finds_what_came_just_before(self) -> None:
        bus = Bus(kind_of, unheard=Ring())
        for ordinal in range(5, 11):
            bus.publish([signal("live/x", ordinal)])
        bus.publish([signal("live/y", 1)])
        assert bus.topics() == []
        assert bus.unknown(("live/x", "live/z"), {}) == ["live/z"]
        back, late = follow(bus, "live/x", seen=7), follow(bus, "live/x", seen=2)
        assert await read(back) == [8, 9, 10]
        assert await read(late) == ["gap", *range(5, 11)]
        assert dropped(late) == 2
        assert await read(follow(bus, "live/x")) == []

    async def test_what_was_missed_meanwhile_is_told(self) -> None:
        bus = Bus(kind_of, unheard=Ring())
        for ordinal in (5, 6, 8, 9):
            bus.publish([signal("live/x", ordinal)])
        bus.interrupted()
        assert bus.unknown(("live/x",), {}) == ["live/x"]
        bus.found("live/x", Count(0, 9), ())
        back = follow(bus, "live/x", seen=5)
        assert await read(back) == ["gap", 8, 9]
        assert dropped(back) == 2

    @pytest.mark.parametrize("limit", ["SIGNAL_RING", "SIGNAL_RING_BYTES"])
    def test_it_is_bounded(self, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
        monkeypatch.setattr(limits, limit, 10 if limit == "SIGNAL_RING" else 10 * signal("live/x", 1).size)
        ring = Ring()
        for ordinal in range(1, 8):
            ring.append(signal("live/x", ordinal))
        ring.append(signal("live/y", 1))
        assert [event.ordinal for event in ring.take("live/y")] == [1]
        for ordinal in range(8, 13):
            ring.append(signal("live/x", ordinal))
        kept = [event.ordinal for event in ring.take("live/x")]
        assert kept == list(range(kept[0], 13))
        assert 8 <= len(kept) <= 10
        assert ring.take("live/x") == []
