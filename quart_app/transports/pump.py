"""The loop that serves a connection through ASGI: read, write, count.

A carrier turns batches into its protocol and nothing else; the pump knows no protocol.
"""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from quart_app.realtime import Batch, Connection, Hub, Message
from quart_app.transports.liveness import Liveness


class Carrier(Protocol):
    """The carrier of one connection over its protocol, from the moment when the peer can be written to."""

    comment: Message | None
    """As of `liveness.Peer`."""

    @property
    def heard_at(self) -> float:
        """As of `liveness.Peer`."""

    @property
    def gone(self) -> bool:
        """As of `liveness.Peer`."""

    def send(self, batch: Batch) -> tuple[int, Awaitable[None]]:
        """Return the size of a batch on the wire (bytes), and an awaitable that sends it and ends when more can be
        sent.

        The awaitable does not hold the batch: a peer that stalls is to hold the bytes alone, not the events too.
        """

    def ping(self) -> bool:
        """As of `liveness.Peer`."""

    def drop(self) -> None:
        """Cut the peer off at once, as far as its protocol can."""


class Pump:
    """The pump from one connection to its carrier, until one of them ends."""

    __slots__ = ("_carrier", "_connection", "_hub", "_task", "comment", "stalled_since")

    def __init__(self, hub: Hub, connection: Connection, carrier: Carrier) -> None:
        self._hub = hub
        self._connection = connection
        self._carrier = carrier
        self._task = asyncio.current_task()
        self.comment = carrier.comment
        self.stalled_since: float | None = None

    @property
    def heard_at(self) -> float:
        """The time (s, the loop's clock) when the peer last gave a sign of life."""
        return self._carrier.heard_at

    @property
    def gone(self) -> bool:
        """Tell whether the peer is gone."""
        return self._carrier.gone

    async def run(self) -> None:
        """Return when the connection has ended. Its task is cancelled when the peer takes nothing for too long."""
        connection = self._connection
        liveness = Liveness(self._hub, connection, self)
        connection.ping = self._carrier.ping
        try:
            while (batch := await connection.read()) is not None:
                heard = batch.heard
                size, sent = self._carrier.send(batch)
                connection.count(heard, size)
                del batch
                self.stalled_since = asyncio.get_running_loop().time()
                await sent
                self.stalled_since = None
                del sent
        finally:
            liveness.stop()
            connection.ping = None
            self._task = None  # it holds this pump by its exception's traceback, where it was cancelled

    def ping(self) -> bool:
        """Ask the peer for a sign of life; return whether that can be done."""
        return self._carrier.ping()

    def drop(self) -> None:
        """Cut the peer off at once, with all that is on its way."""
        self._carrier.drop()
        if self._task is not None:
            self._task.cancel()
