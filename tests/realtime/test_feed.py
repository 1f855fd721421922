"""A producer that runs only while somebody listens."""

import asyncio
import logging

import pytest

from quart_app.realtime.clients.feed import Feed
from quart_app.realtime.limits import FEED_LINGER, FEED_RETRY
from tests.realtime.clock import clock, skipping_time


class Producer:
    """Notes when it was called; takes `seconds`; fails as long as `broken`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.called_at: list[float] = []
        self.broken = False
        self._seconds = seconds

    async def __call__(self) -> None:
        self.called_at.append(clock())
        await asyncio.sleep(self._seconds)
        if self.broken:
            raise OSError("the sensor does not answer")


@skipping_time
async def test_it_produces_at_once_and_then_regularly() -> None:
    produce = Producer(seconds=1.5)
    feed = Feed("sensors", 10.0, produce)
    assert not feed.running
    feed.demand(True)
    await asyncio.sleep(35)
    assert produce.called_at == [0.0, 10.0, 20.0, 30.0]
    feed.stop()


@skipping_time
async def test_nothing_runs_before_the_first_and_after_the_last_subscriber() -> None:
    produce = Producer()
    feed = Feed("sensors", 4.0, produce)
    await asyncio.sleep(100)
    assert produce.called_at == []
    feed.demand(True)
    await asyncio.sleep(5)
    feed.demand(False)
    await asyncio.sleep(1_000)
    assert produce.called_at == [100.0, 104.0, 108.0, 112.0]
    assert 105.0 + FEED_LINGER == 115.0
    assert not feed.running
    assert asyncio.all_tasks() == {asyncio.current_task()}


@skipping_time
async def test_who_comes_back_soon_finds_it_running() -> None:
    produce = Producer()
    feed = Feed("sensors", 10.0, produce)
    feed.demand(True)
    for _ in range(10):
        feed.demand(False)
        await asyncio.sleep(FEED_LINGER - 1.5)
        feed.demand(True)
    # The rhythm was never broken: no restart, so nothing was produced twice.
    assert produce.called_at == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0]
    feed.stop()


@skipping_time
async def test_it_starts_again_for_the_next_one() -> None:
    produce = Producer()
    feed = Feed("sensors", 10.0, produce)
    feed.demand(True)
    await asyncio.sleep(1)
    feed.demand(False)
    await asyncio.sleep(99)
    feed.demand(True)
    await asyncio.sleep(1)
    assert produce.called_at == [0.0, 10.0, 100.0]
    feed.stop()


@skipping_time
async def test_a_failure_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    produce = Producer()
    produce.broken = True
    feed = Feed("stats", 3.0, produce)
    feed.demand(True)
    await asyncio.sleep(2 * FEED_RETRY + 1)
    assert produce.called_at == [0.0, FEED_RETRY, 2 * FEED_RETRY]
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "feed stats failed")
    ] * 3
    produce.broken = False
    await asyncio.sleep(FEED_RETRY)
    assert produce.called_at[3:] == [3 * FEED_RETRY]
    await asyncio.sleep(3)
    assert produce.called_at[4:] == [3 * FEED_RETRY + 3]
    feed.stop()


@skipping_time
async def test_a_slow_producer_is_not_called_in_bursts() -> None:
    produce = Producer(seconds=25.0)
    feed = Feed("sensors", 10.0, produce)
    feed.demand(True)
    await asyncio.sleep(80)
    assert produce.called_at == [0.0, 25.0, 50.0, 75.0]
    feed.stop()


@skipping_time
async def test_stopping_cancels_what_is_under_way() -> None:
    produce = Producer(seconds=1_000.0)
    feed = Feed("sensors", 10.0, produce)
    feed.demand(True)
    await asyncio.sleep(1)
    feed.demand(False)
    feed.stop()
    feed.stop()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not feed.running
