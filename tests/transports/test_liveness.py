"""What is done about silence, on a clock that moves by hand."""

import asyncio

import pytest

from quart_app.realtime import Hub, Message, limits
from quart_app.realtime.clients.connection import Connection
from quart_app.transports.liveness import Liveness
from quart_app.wire import Close
from tests.realtime.clock import skipping_time
from tests.realtime.hubs import Talk, connect, hub_with

HEARTBEAT, PEER_TIMEOUT = 30.0, 100.0


class Peer:
    """A peer that answers pings at once, unless it does not."""

    def __init__(self, *, answers: bool = True, comment: Message | None = None) -> None:
        self.comment = comment
        self.heard_at = 0.0
        self.gone = False
        self.stalled_since: float | None = None
        self.dropped = False
        self._answers = answers

    def ping(self) -> bool:
        if self._answers:
            self.heard_at = asyncio.get_running_loop().time()
        return True

    def drop(self) -> None:
        self.dropped = True


async def served(peer: Peer) -> tuple[Hub, Connection, Liveness]:
    hub = await hub_with(Talk(), peer_timeout=PEER_TIMEOUT)
    connection = await connect(hub)
    return hub, connection, Liveness(hub, connection, peer)


@skipping_time
async def test_a_wheel_that_is_ahead_of_the_clock_takes_no_answer_for_an_older_one() -> None:
    peer = Peer()
    _, connection, liveness = await served(peer)
    for _ in range(3):
        await asyncio.sleep(HEARTBEAT)
        liveness.ring(asyncio.get_running_loop().time() + limits.WHEEL_TICK / 100)
    assert connection.ending is None


@skipping_time
async def test_who_answers_no_ping_is_ended_in_order() -> None:
    peer = Peer(answers=False)
    _, connection, _ = await served(peer)
    await asyncio.sleep(2 * HEARTBEAT + 1)
    assert connection.ending is not None
    assert (connection.ending.code, connection.ending.reason) == (Close.TOO_SLOW, "it answers no ping")
    assert not peer.dropped


@pytest.mark.parametrize("stalled", [PEER_TIMEOUT - HEARTBEAT, PEER_TIMEOUT + HEARTBEAT])
@skipping_time
async def test_who_takes_nothing_for_too_long_is_cut_off(stalled: float) -> None:
    peer = Peer()
    _, connection, _ = await served(peer)
    peer.stalled_since = 0.0
    await asyncio.sleep(stalled + 1)
    assert peer.dropped is (stalled > PEER_TIMEOUT)
    assert (connection.ending is not None) is peer.dropped


@skipping_time
async def test_after_its_end_nothing_is_done() -> None:
    hub, connection, liveness = await served(Peer(answers=False))
    liveness.stop()
    await asyncio.sleep(10 * HEARTBEAT)
    assert connection.ending is None
    assert len(hub.wheel) == 0
