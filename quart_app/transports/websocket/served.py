"""An accepted WebSocket and its connection, until one of them ends."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from typing import Any, Final

from quart_app.realtime import Connection, Hub, limits
from quart_app.transports.below.direct import hear
from quart_app.transports.pump import Pump
from quart_app.transports.websocket.asgi import AsgiWebsocket, Disconnected
from quart_app.transports.websocket.carrier import WebsocketCarrier
from quart_app.wire import Close

logger = logging.getLogger(__name__)

ANSWERS_AT_ONCE: Final = 64  # answers that may wait before reading lets the event loop send them


class ServedWebsocket:
    """A WebSocket in service: what its client says goes to the hub, what the connection brings is pumped to the client.
    `peer_timeout` is in seconds.

    Over HTTP/1.1 it `hears` messages as the server reads them; anywhere else it reads them from ASGI's queue.
    """

    __slots__ = ("_asgi", "_carrier", "_closed", "_connection", "_hears", "_hub", "_peer_timeout")

    def __init__(self, hub: Hub, asgi: AsgiWebsocket, connection: Connection, peer_timeout: float) -> None:
        self._hub = hub
        self._asgi = asgi
        self._connection = connection
        self._peer_timeout = peer_timeout
        self._hears = False
        self._closed: asyncio.Event | None = None
        self._carrier: WebsocketCarrier | None = None

    async def begin(self, accept: Awaitable[None], *, direct: bool, compressed: bool) -> None:
        """Have the WebSocket accepted, and listen from then on."""
        self._hears = direct and hear(self._asgi.asgi_send, self._asgi.asgi_receive, self._hear)
        await accept
        self._carrier = WebsocketCarrier(
            self._asgi, self._connection, self._hub.spawn, direct=direct, compressed=compressed
        )

    def closed(self) -> None:
        """Note that the WebSocket was over before `run`."""
        self._asgi.closed = True
        self._hub.closed(self._connection)

    async def run(self) -> None:
        """Serve the WebSocket to its end."""
        try:
            await self._serve()
            if (ending := self._connection.ending) is not None:
                with contextlib.suppress(TimeoutError):  # of a peer that takes nothing
                    async with asyncio.timeout(limits.CLOSE_HANDSHAKE):
                        await self._asgi.close(ending.code, ending.reason)
        finally:
            self._hub.closed(self._connection)
        await self._until_closed()

    async def _serve(self) -> None:
        assert self._carrier is not None  # noqa: S101 - it has begun
        pump = Pump(self._connection, self._carrier, heartbeat=self._hub.heartbeat, peer_timeout=self._peer_timeout)
        reader = None if self._hears else asyncio.create_task(self._read())
        try:
            await pump.run()
        except Exception:
            logger.exception("a WebSocket failed")
            self._connection.end(Close.INTERNAL_ERROR, "something went wrong here")
        finally:
            if reader is not None:
                reader.cancel()
                await asyncio.wait([reader])

    async def _until_closed(self) -> None:
        if not self._hears:
            await self._asgi.wait_closed()
        elif not self._asgi.closed:
            self._closed = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), limits.CLOSE_HANDSHAKE)

    async def _read(self) -> None:
        try:
            while self._connection.alive:
                await self._receive(await self._asgi.receive())
        except Disconnected:
            self._peer_closed()

    async def _hear(self, event: Any) -> None:
        """Take what the server gets from the peer, as soon as it does."""
        try:
            data = self._asgi.payload(event)
        except Disconnected:
            self._peer_closed()
            if self._closed is not None:
                self._closed.set()
        else:
            if data is not None:
                await self._receive(data)
                # More that the server has read already follows without a turn of the loop, and only in a turn do
                # answers go out.
                if self._connection.owes >= ANSWERS_AT_ONCE:
                    await asyncio.sleep(0)

    async def _receive(self, data: str | bytes) -> None:
        try:
            rest = self._hub.receive(self._connection, data)
            if rest is not None:
                await rest
        except Exception:
            logger.exception("reading from a WebSocket failed")
            self._connection.end(Close.INTERNAL_ERROR, "something went wrong here")

    def _peer_closed(self) -> None:
        code = None if self._carrier is None else self._carrier.close_code
        # Any other code of a peer means nothing here, so the peer counts as lost.
        ending = Close(code) if code in {Close.NORMAL, Close.GOING_AWAY} else Close.GONE
        self._connection.end(ending, "the client is gone", orderly=ending is Close.NORMAL)
