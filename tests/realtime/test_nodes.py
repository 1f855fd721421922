"""A node finds out in the database what others have told while it did not hear them."""

import asyncio
import logging

import pytest

from quart_app.realtime import Refused, limits
from quart_app.realtime.clients.nodes import Nodes
from quart_app.realtime.flow.backplane import InProcess
from tests.realtime.clock import skipping_time


@skipping_time
async def test_a_database_that_is_away_is_looked_into_later_and_told_of_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    looks = 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise Refused("unavailable", "the database is away", status=503)

    nodes = Nodes(InProcess(), lambda work: work.close())
    nodes.on_missed.append(look)
    nodes.start()
    nodes.joined()
    await asyncio.sleep(10 * limits.MISSED_READ)
    await nodes.stop()
    assert looks == 3
    assert [(record.levelno, record.exc_info) for record in caplog.records] == [(logging.WARNING, None)] * 2
