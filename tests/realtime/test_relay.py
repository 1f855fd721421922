"""From the log to the bus: wake-ups may come twice, late, in any order or never."""

import asyncio
import logging

import pytest

from quart_app.realtime import limits
from quart_app.realtime.flow.backplane import InProcess
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.refused import Refused
from tests.realtime.clock import clock, skipping_time
from tests.realtime.engine import Engine, GatedLog, drain, turn


@pytest.fixture
async def engine() -> Engine:
    engine = Engine()
    await engine.relay.start()
    return engine


async def test_it_starts_at_the_head() -> None:
    engine = Engine()
    engine.append("log/a", "log/a")
    await engine.relay.start()
    subscription = engine.subscribe("log/a")
    engine.commit("log/a")
    await turn()
    assert await drain(subscription) == [3]


async def test_commits_in_order_cost_no_look_at_the_log(engine: Engine) -> None:
    subscription = engine.subscribe("log/a", "log/b")
    asked = engine.log.asked
    for _ in range(10):
        engine.commit("log/a", "log/b", "log/c")
        await turn()
        assert len(await drain(subscription)) == 2
    assert engine.log.reads == 0
    assert engine.log.asked == asked


async def test_a_commit_of_nothing_is_nothing(engine: Engine) -> None:
    engine.relay.take([])
    assert engine.bus.position == 0


async def test_a_lost_wake_up_costs_one_read_and_no_event(engine: Engine) -> None:
    subscription = engine.subscribe("log/a")
    engine.append("log/a", "log/a")
    engine.commit("log/a")
    await turn()
    assert await drain(subscription) == [1, 2, 3]
    assert engine.log.reads == 1


async def test_wake_ups_that_come_late_twice_or_out_of_order_change_nothing(engine: Engine) -> None:
    subscription = engine.subscribe("log/a")
    first, second, third = (engine.append("log/a", "log/a") for _ in range(3))
    for events in (third, first, second, first, third):
        engine.relay.take(events)
        engine.relay.wake(events[0].position)
        await turn()
    assert await drain(subscription) == [1, 2, 3, 4, 5, 6]
    assert engine.log.reads == 1


async def test_a_burst_of_wake_ups_is_one_reading(engine: Engine) -> None:
    for _ in range(50):
        engine.append("log/a")
        engine.relay.wake(await engine.log.head())
    assert len(asyncio.all_tasks()) == 2
    await turn()
    assert engine.log.reads == 1
    assert engine.bus.position == 50


async def test_a_wake_up_during_the_last_look_at_the_log_is_not_lost(engine: Engine) -> None:
    subscription = engine.subscribe("log/a")
    engine.append("log/a")
    engine.log.gate.clear()
    engine.relay.wake(1)
    await turn()
    # The relay has asked for the head, and the answer, 1, is on its way.
    engine.append("log/a")
    engine.relay.wake(2)
    engine.log.gate.set()
    await turn()
    assert await drain(subscription) == [1, 2]


async def test_own_commits_during_a_reading_come_once(engine: Engine) -> None:
    subscription = engine.subscribe("log/a")
    engine.append("log/a", "log/a")
    engine.relay.wake(2)
    engine.log.gate.clear()
    await turn()
    engine.commit("log/a")
    engine.commit("log/a", "log/a")
    engine.log.gate.set()
    await turn()
    engine.commit("log/a")
    await turn()
    assert await drain(subscription) == [1, 2, 3, 4, 5, 6]


async def test_a_long_log_is_read_piece_by_piece(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOG_READ_EVENTS", 4)
    subscription = engine.subscribe("log/a")
    engine.append(*["log/a"] * 10)
    await engine.relay.catch_up()
    assert await drain(subscription) == list(range(1, 11))
    assert engine.log.reads == 3


async def test_a_wake_up_that_is_not_true_costs_one_look(engine: Engine) -> None:
    asked = engine.log.asked
    engine.relay.wake(1_000_000)
    await turn()
    assert engine.log.asked == asked + 1
    assert engine.bus.position == 0


async def test_two_who_catch_up_at_once_publish_once(engine: Engine) -> None:
    subscription = engine.subscribe("log/a")
    engine.append(*["log/a"] * 5)
    engine.log.gate.clear()
    both = asyncio.gather(engine.relay.catch_up(), engine.relay.catch_up())
    await turn()
    engine.log.gate.set()
    await both
    assert engine.log.reads == 2
    assert await drain(subscription) == [1, 2, 3, 4, 5]


@skipping_time
async def test_a_log_that_cannot_be_read_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine()
    await engine.relay.start()
    subscription = engine.subscribe("log/a")
    engine.append("log/a")
    engine.log.failures = 2
    engine.relay.wake(1)
    batch = await subscription.read()
    assert batch is not None
    assert clock() == 2 * limits.RELAY_RETRY
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    await engine.relay.stop()


async def test_what_was_trimmed_unread_is_told_to_those_who_miss_it(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    follower = engine.subscribe("log/a")
    engine.commit("log/a")
    await turn()
    assert await drain(follower) == [1]
    engine.append("log/a", "log/b", "log/a", "log/a")
    engine.log.trim(3)
    engine.relay.wake(5)
    await turn()
    newcomer = engine.subscribe("log/a")
    # All that is left of it comes with the reset or after it.
    assert await drain(follower) == ["reset"]
    assert follower.position == 5
    assert await drain(newcomer) == []
    engine.commit("log/a")
    await turn()
    assert await drain(follower) == [6]
    assert await drain(newcomer) == [6]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_stopping_ends_a_reading(engine: Engine) -> None:
    engine.append("log/a")
    engine.log.gate.clear()
    engine.relay.wake(1)
    await turn()
    await engine.relay.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def _away() -> int:
    raise Refused("unavailable", "the database is away", status=503)


@skipping_time
@pytest.mark.parametrize("polling", [False, True])
async def test_a_database_that_is_away_is_told_of_without_a_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, polling: bool
) -> None:
    engine = Engine()
    await engine.relay.start()
    subscription = engine.subscribe("log/a")
    engine.append("log/a")
    with monkeypatch.context() as patched:
        patched.setattr(engine.log, "head", _away)
        if polling:
            engine.relay.poll(lambda: limits.HEAD_POLL)
        else:
            engine.relay.wake(1)
        await asyncio.sleep(limits.HEAD_POLL + limits.RELAY_RETRY / 2)
    batch = await subscription.read()
    assert batch is not None
    assert {(record.levelno, record.exc_info) for record in caplog.records} == {(logging.WARNING, None)}
    await engine.relay.stop()


class TestOthersCommits:
    """Several processes write one log: what one has committed may come before what another has committed first."""

    @skipping_time
    async def test_what_comes_too_early_waits_for_what_is_on_its_way(self) -> None:
        engine = Engine(patience=limits.RELAY_HOLE)
        await engine.relay.start()
        subscription = engine.subscribe("log/a")
        groups = [engine.append("log/a", "log/a") for _ in range(4)]
        for index in (2, 3, 1):
            engine.relay.take(groups[index])
        await asyncio.sleep(limits.RELAY_HOLE / 2)
        assert await drain(subscription) == []
        engine.relay.take(groups[0])
        await turn()
        assert await drain(subscription) == [1, 2, 3, 4, 5, 6, 7, 8]
        await asyncio.sleep(2 * limits.RELAY_HOLE)
        assert engine.log.reads == 0

    @skipping_time
    async def test_what_does_not_come_in_time_is_read(self) -> None:
        engine = Engine(patience=limits.RELAY_HOLE)
        await engine.relay.start()
        subscription = engine.subscribe("log/a")
        engine.append("log/a")
        engine.commit("log/a")
        await asyncio.sleep(limits.RELAY_HOLE / 2)
        assert engine.log.reads == 0
        await asyncio.sleep(limits.RELAY_HOLE)
        assert await drain(subscription) == [1, 2]
        assert engine.log.reads == 1
        engine.commit("log/a")
        await turn()
        assert await drain(subscription) == [3]

    @skipping_time
    async def test_those_that_wait_are_bounded(self) -> None:
        engine = Engine(patience=3_600)
        await engine.relay.start()
        subscription = engine.subscribe("log/a")
        engine.append("log/a")
        for _ in range(limits.RELAY_AHEAD + 1):
            engine.commit("log/a")
        await turn()
        assert len(await drain(subscription)) == limits.RELAY_AHEAD + 2
        assert engine.log.reads == 1

    async def test_what_is_known_in_part_comes_once(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        events = engine.append(*["log/a"] * 5)
        engine.relay.take(events[:3])
        engine.relay.take(events[1:])
        engine.relay.take(events[2:4])
        await turn()
        assert await drain(subscription) == [1, 2, 3, 4, 5]
        assert engine.log.reads == 0

    @skipping_time
    async def test_commits_that_nobody_tells_of_are_found_by_a_look_at_the_log(self) -> None:
        engine = Engine()
        await engine.relay.start()
        subscription = engine.subscribe("log/a")
        engine.relay.poll(lambda: limits.HEAD_POLL)
        engine.append("log/a")
        await asyncio.sleep(limits.HEAD_POLL + 0.01)
        assert await drain(subscription) == [1]
        await engine.relay.stop()

    @skipping_time
    async def test_while_nobody_can_tell_the_log_is_looked_at_more_often(self) -> None:
        class Away(InProcess):
            shared = True
            away_since: float | None = None

        backplane, log = Away(), GatedLog()
        hub = Hub(backplane=backplane)
        await hub.start(log)

        async def looks() -> int:
            asked = log.asked
            await asyncio.sleep(10 * limits.HEAD_POLL)
            return log.asked - asked

        assert 9 <= await looks() <= 11
        backplane.away_since = clock()
        assert await looks() >= 10 * limits.HEAD_POLL / limits.HEAD_POLL_AWAY * 0.8
        await hub.stop()
        asked = log.asked
        await asyncio.sleep(10 * limits.HEAD_POLL)
        assert log.asked == asked
