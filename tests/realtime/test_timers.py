"""What ends at a time of day: connections that a token has opened."""

import asyncio
import time
from dataclasses import replace

import pytest

from quart_app.realtime.clients import timers
from quart_app.realtime.clients.connection import Ending
from quart_app.realtime.clients.timers import Deadline, Wheel
from quart_app.surroundings import REAL
from quart_app.wire import Close
from tests.realtime.clock import skipping_time
from tests.realtime.hubs import ANA, Poller, Talk, connect, hub_with, received


async def test_it_is_kept_by_the_clock_and_not_by_the_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "_LOOK", 0.001)
    now = 1_000.0
    passed = asyncio.Event()
    Deadline(Wheel(), now + 3600, passed.set, lambda: round(now * 1000))
    await asyncio.sleep(0)
    assert not passed.is_set()
    now += 3601  # the machine slept for an hour
    await asyncio.wait_for(passed.wait(), 5)


@skipping_time
async def test_one_that_is_cancelled_never_comes() -> None:
    passed = asyncio.Event()
    wheel = Wheel()
    one = Deadline(wheel, time.time(), passed.set, REAL.wall)
    one.cancel()
    await asyncio.sleep(10)
    assert not passed.is_set()
    assert len(wheel) == 0


async def test_a_connection_ends_with_its_token_and_says_why() -> None:
    hub = await hub_with(Talk())
    over = await connect(hub, identity=replace(ANA, expires_at=int(time.time()) - 1))
    stays = await connect(hub, identity=replace(ANA, expires_at=int(time.time()) + 3600))
    while over.ending is None:
        await asyncio.sleep(0)
    said = (await received(over))[-1]
    assert (said["type"], said["data"]["code"]) == ("error", "unauthorized")
    assert over.ending == Ending(Close.UNAUTHORIZED, said["data"]["message"], orderly=False)
    assert stays.ending is None
    hub.closed(stays)
    hub.closed(over)


async def test_a_poller_that_comes_back_with_a_new_token_stays() -> None:
    hub = await hub_with(Talk())
    poller = Poller(hub)
    await poller.ask()
    assert poller.connection is not None
    poller.connection.identity = replace(ANA, expires_at=int(time.time()) - 1)
    await poller.ask()  # as Ana, whose token does not end
    assert poller.connection.identity.expires_at is None
    assert poller.connection.ending is None
