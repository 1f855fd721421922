"""The one loop that serves a connection, whatever is below it: read, count, write, notice a stall, keep the line alive.

A carrier turns batches into its protocol and nothing else; the pump knows no protocol.
"""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from quart_app.realtime import Batch, Connection, Form, Heartbeat, Message, limits
from quart_app.transports.below.direct import Pipe
from quart_app.wire import Close


class Carrier(Protocol):
    """The carrier of one connection over its protocol, from the moment when the peer can be written to."""

    form: Form
    """The wire form of what is pushed into its pipe."""
    pipe: Pipe | None
    """The way past ASGI, where there is one."""
    comment: Message | None
    """The message that keeps proxies from cutting a silent line and that no client hears; None where none is needed."""

    @property
    def heard_at(self) -> float:
        """The time (s, the loop's clock) when the peer last gave a sign of life."""

    def send(self, batch: Batch) -> tuple[int, Awaitable[None]]:
        """Return the size of a batch on the wire (bytes), and an awaitable that sends it and ends when more can be
        sent.

        The awaitable does not hold the batch: a peer that stalls is to hold the bytes alone, not the events too.
        """

    def ping(self) -> bool:
        """Ask the peer for a sign of life; return whether that can be done."""

    def drop(self) -> None:
        """Cut the peer off at once, with all that is on its way."""


class Pump:
    """The pump from one connection to its carrier, until one of them ends.

    Where the carrier has a pipe, the connection's outlet is opened on it. `heartbeat` and `peer_timeout` are seconds.
    """

    __slots__ = (
        "_carrier", "_connection", "_heartbeat", "_loop", "_peer_timeout", "_pinged_at", "_task", "_writing_since",
    )  # fmt: skip

    def __init__(self, connection: Connection, carrier: Carrier, *, heartbeat: float, peer_timeout: float) -> None:
        self._connection = connection
        self._carrier = carrier
        self._heartbeat = heartbeat
        self._peer_timeout = peer_timeout
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._writing_since: float | None = None
        self._pinged_at: float | None = None

    async def run(self) -> None:
        """Return when the connection has ended. Its task is cancelled when the peer takes nothing for too long."""
        connection, comment = self._connection, self._carrier.comment
        wheel = connection.wheel
        heartbeat = Heartbeat(wheel, self._heartbeat, self._beat, lambda: connection.written_at)
        silence = None
        if comment is not None:
            silence = Heartbeat(wheel, limits.SSE_COMMENT, lambda: self._say(comment), lambda: connection.written_at)
        if (pipe := self._carrier.pipe) is not None:
            connection.open_outlet(pipe, self._carrier.form, self._drain)
        connection.ping = self._carrier.ping
        try:
            while (batch := await connection.read()) is not None:
                heard = batch.heard
                size, sent = self._carrier.send(batch)
                connection.count(heard, size)
                del batch
                await self._wait_for(sent)
                del sent
                if silence is not None:
                    silence.sent()
                if heard:
                    heartbeat.sent()
        finally:
            heartbeat.stop()
            if silence is not None:
                silence.stop()
            connection.ping = None
            connection.shut_outlet()
            self._task = None  # it holds this pump by its exception's traceback, where it was cancelled

    async def _drain(self) -> None:
        """Return when most of what was pushed has gone."""
        if (pipe := self._carrier.pipe) is not None:
            await self._wait_for(pipe.drain())

    async def _wait_for(self, taken: Awaitable[None]) -> None:
        self._writing_since = self._loop.time()
        await taken
        self._writing_since = None

    def _beat(self) -> None:
        """Act on silence: the peer is stalled, or it is lost, or there was nothing to say."""
        now = self._loop.time()
        if self._writing_since is not None:
            self._pinged_at = None
            if now - self._writing_since > self._peer_timeout:
                self._drop("it took nothing for too long")
        elif self._pinged_at is not None and self._carrier.heard_at < self._pinged_at:
            self._drop("it answers no ping")
        else:
            self._connection.heartbeat()
            if self._carrier.ping():
                self._pinged_at = now

    def _say(self, comment: Message) -> None:
        if self._connection.waits and not self._connection.owes:
            self._connection.reply(comment)

    def _drop(self, reason: str) -> None:
        self._connection.end(Close.TOO_SLOW, reason)
        if self._writing_since is not None and self._task is not None:
            # An ending in order would have to wait behind what the peer does not take.
            self._carrier.drop()
            self._task.cancel()
