"""A cursor whose topics change while it reads."""

import asyncio

import pytest

from quart_app.realtime import limits
from quart_app.realtime.messages.event import message
from tests.realtime.engine import Engine, brief, drain, turn


@pytest.fixture
async def engine() -> Engine:
    engine = Engine()
    await engine.relay.start()
    return engine


class TestTopics:
    async def test_who_joins_between_publishing_and_delivery_misses_nothing(self, engine: Engine) -> None:
        position = engine.bus.position
        engine.commit("log/a")
        # The bus has not settled it, and nobody had the topic in memory.
        subscription = engine.subscribe("log/a", since=position)
        assert await drain(subscription) == [1]

    async def test_a_topic_is_added_from_now_on(self, engine: Engine) -> None:
        subscription, _ = engine.subscribe("log/a"), engine.subscribe("live/x", "log/b")
        engine.commit("log/a", "log/b")
        engine.broadcast("live/x", 1)
        await turn()
        subscription.add("log/b")
        subscription.add("live/x")
        assert subscription.topics == ("live/x", "log/a", "log/b")
        assert subscription.starts("log/b") == 2
        engine.commit("log/b", "log/a")
        await turn()
        # What it has not read of the old topic comes, what was before in the new one does not.
        assert await drain(subscription) == [1, 3, 4]

    async def test_a_topic_is_added_while_far_behind(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 4)
        subscription = engine.subscribe("log/a")
        engine.commit(*["log/a", "log/b"] * 10)
        await turn()
        subscription.add("log/b")
        engine.commit(*["log/a", "log/b"] * 10)
        await turn()
        assert await drain(subscription) == [*range(1, 21, 2), *range(21, 41)]

    async def test_a_quiet_reader_that_adds_a_topic_is_not_reset(self, engine: Engine) -> None:
        subscription, _ = engine.subscribe("log/a"), engine.subscribe("log/b")
        assert await drain(subscription) == []
        engine.commit(*["log/b"] * 10)
        await turn()
        engine.log.trim(10)
        subscription.add("log/c")
        engine.bus.skip_to(10)
        assert await drain(subscription) == []

    async def test_a_topic_that_was_removed_is_silent(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a", "log/b")
        reading = asyncio.create_task(subscription.read())
        await turn()
        engine.commit("log/b", "log/a")
        engine.bus.flush()
        subscription.remove("log/b")
        assert brief(await reading) == [2]
        assert subscription.topics == ("log/a",)

    async def test_a_change_of_topics_wakes_a_reader_that_waits(self, engine: Engine) -> None:
        engine.broadcast("state/s", 7)
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        subscription.add("state/s")
        assert brief(await reading) == [7]

    async def test_a_change_during_a_read_of_the_log_reads_again(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 0)
        engine.commit("log/a", "log/b", "log/a")
        await turn()
        subscription = engine.subscribe("log/a", "log/b", since=0)
        engine.log.gate.clear()
        reading = asyncio.create_task(subscription.read())
        await turn()
        subscription.remove("log/b")
        engine.log.gate.set()
        assert brief(await reading) == [1, 3]

    async def test_nothing_but_direct_messages_comes_while_a_welcome_is_prepared(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        with subscription.held():
            engine.commit("log/a")
            await turn()
            assert not reading.done()
            subscription.send(message("welcome", at=0))
            assert brief(await reading) == ["welcome"]
            reading = asyncio.create_task(subscription.read())
            await turn()
            engine.commit("log/a")
            await turn()
            assert not reading.done()
        assert brief(await reading) == [1, 2]

    async def test_events_being_read_from_the_log_wait_for_the_welcome_too(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 0)
        engine.commit("log/a")
        await turn()
        subscription = engine.subscribe("log/a", since=0)
        engine.log.gate.clear()
        reading = asyncio.create_task(subscription.read())
        await turn()
        with subscription.held():
            engine.log.gate.set()
            await turn()
            assert not reading.done()
        assert brief(await reading) == [1]

    async def test_news_that_come_just_before_the_welcome_is_ready_hide_nothing_older(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        with subscription.held():
            reading = asyncio.create_task(subscription.read())
            await turn()
            engine.commit("log/a")
            await turn()
            engine.commit("log/a")
            engine.bus.flush()
        assert brief(await reading) == [1, 2]
