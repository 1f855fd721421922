"""A timer that goes off when nothing was sent for a while."""

import asyncio

from quart_app.realtime.clients.timers import Heartbeat, Wheel
from tests.realtime.clock import clock, skipping_time


@skipping_time
async def test_it_beats_on_silence() -> None:
    beats: list[float] = []
    heartbeat = Heartbeat(Wheel(), 30.0, lambda: beats.append(clock()), lambda: 0.0)
    await asyncio.sleep(100)
    assert beats == [30.0, 60.0, 90.0]
    heartbeat.stop()
    await asyncio.sleep(100)
    assert len(beats) == 3


@skipping_time
async def test_it_counts_from_what_was_sent_last() -> None:
    beats: list[float] = []
    heartbeat = Heartbeat(Wheel(), 30.0, lambda: beats.append(clock()), lambda: 0.0)
    for second in (10, 20, 45):
        await asyncio.sleep(second - clock())
        heartbeat.sent()
    await asyncio.sleep(100)
    assert beats == [75.0, 105.0, 135.0]
    heartbeat.stop()


@skipping_time
async def test_a_busy_connection_gets_none() -> None:
    beats: list[float] = []
    heartbeat = Heartbeat(Wheel(), 30.0, lambda: beats.append(clock()), lambda: 0.0)
    for _ in range(1_000):
        await asyncio.sleep(0.5)
        heartbeat.sent()
    assert beats == []
    heartbeat.stop()


@skipping_time
async def test_a_beat_that_is_sent_delays_nothing() -> None:
    beats: list[float] = []

    def beat() -> None:
        beats.append(clock())
        heartbeat.sent()

    heartbeat = Heartbeat(Wheel(), 30.0, beat, lambda: 0.0)
    await asyncio.sleep(100)
    assert beats == [30.0, 60.0, 90.0]
    heartbeat.stop()
