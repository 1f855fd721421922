"""The loop that serves a connection, over a carrier that does as it is told, in a loop that skips the time between."""

import asyncio
from collections.abc import Awaitable

from quart_app.realtime import Batch, Hub, Message, limits, message
from quart_app.realtime.clients.connection import Connection
from quart_app.transports.pump import Pump
from quart_app.wire import Close
from tests.realtime.clock import clock, skipping_time
from tests.realtime.engine import turn
from tests.realtime.hubs import Talk, connect, hub_with

HEARTBEAT, PEER_TIMEOUT = 30.0, 100.0


class Comment(Message):
    heard = False

    def __init__(self) -> None:
        super().__init__(b"")
        self._block = b": \n\n"


class Carrier:
    """Notes what it carries; while it is `stalled` nothing of that is taken."""

    def __init__(self, *, comment: bool = False, answers: bool | None = None) -> None:
        self.comment: Message | None = Comment() if comment else None
        self.carried: list[str] = []
        self.taking = asyncio.Event()
        self.taking.set()
        self.dropped = False
        self.gone = False
        self.heard_at = 0.0
        self._answers = answers

    def send(self, batch: Batch) -> tuple[int, Awaitable[None]]:
        self.carried += [one.json.decode().split('"')[3] if one.json else "comment" for one in batch.messages]
        return len(batch.messages), self._take()

    async def _take(self) -> None:
        await self.taking.wait()

    def ping(self) -> bool:
        if self._answers:
            self.heard_at = clock()
        return self._answers is not None

    def drop(self) -> None:
        self.dropped = True


async def served(carrier: Carrier) -> tuple[Hub, Connection, asyncio.Task[None]]:
    hub = await hub_with(Talk(), peer_timeout=PEER_TIMEOUT)
    connection = await connect(hub, transport="sse")

    async def serve() -> None:
        await Pump(hub, connection, carrier).run()

    serving = asyncio.create_task(serve())
    await turn()
    assert carrier.carried == ["hello", "history"]
    return hub, connection, serving


@skipping_time
async def test_a_comment_keeps_the_line_alive_and_is_no_message() -> None:
    carrier = Carrier(comment=True)
    hub, connection, serving = await served(carrier)
    before = connection.traffic
    await asyncio.sleep(limits.SSE_COMMENT + 1)
    assert carrier.carried[2:] == ["comment"]
    # The carrier above calls each message a byte.
    assert (connection.traffic.sent, connection.traffic.sent_bytes) == (before.sent, before.sent_bytes + 1)
    await asyncio.sleep(HEARTBEAT - limits.SSE_COMMENT)
    assert carrier.carried[2:] == ["comment", "heartbeat"], "a comment is nothing that a client hears"
    assert connection.sent == before.sent + 1
    hub.closed(connection)
    await serving


@skipping_time
async def test_what_is_sent_keeps_a_heartbeat_away() -> None:
    carrier = Carrier()
    hub, connection, serving = await served(carrier)
    for _ in range(10):
        await asyncio.sleep(HEARTBEAT - 1)
        connection.reply(message("pong", at=0))
    await turn()
    assert carrier.carried[2:] == ["pong"] * 10
    hub.closed(connection)
    await serving


@skipping_time
async def test_a_peer_that_takes_nothing_is_dropped_when_its_time_is_over() -> None:
    carrier = Carrier(answers=True)
    _, connection, serving = await served(carrier)
    carrier.taking.clear()
    connection.reply(message("pong", at=0))
    await asyncio.wait([serving])
    assert serving.cancelled()
    assert carrier.dropped
    assert connection.ending is not None
    assert connection.ending.code is Close.TOO_SLOW
    assert PEER_TIMEOUT < clock() <= PEER_TIMEOUT + HEARTBEAT


@skipping_time
async def test_a_peer_that_answers_no_ping_is_ended_in_order() -> None:
    carrier = Carrier(answers=False)
    _, connection, serving = await served(carrier)
    await serving
    assert not carrier.dropped
    assert connection.ending is not None
    assert (connection.ending.code, connection.ending.reason) == (Close.TOO_SLOW, "it answers no ping")
    assert clock() == 2 * HEARTBEAT


@skipping_time
async def test_one_that_answers_them_stays_and_leaves_nothing_running() -> None:
    carrier = Carrier(answers=True)
    hub, connection, serving = await served(carrier)
    await asyncio.sleep(100 * HEARTBEAT)
    assert connection.ending is None
    hub.closed(connection)
    await serving
    assert connection.ping is None
    beats = len(carrier.carried)
    await asyncio.sleep(100 * HEARTBEAT)
    assert len(carrier.carried) == beats
