"""A WebSocket that ASGI serves, and its connection, until one of them ends."""

import asyncio
import contextlib
import logging

from quart_app.realtime import Connection, Hub, limits
from quart_app.transports.pump import Pump
from quart_app.transports.websocket.asgi import AsgiWebsocket, Disconnected
from quart_app.transports.websocket.carrier import WebsocketCarrier

logger = logging.getLogger(__name__)


class ServedWebsocket:
    """A WebSocket: what its client says goes to the hub, what the connection brings is pumped to the client."""

    __slots__ = ("_asgi", "_carrier", "_connection", "_hub")

    def __init__(
        self, hub: Hub, asgi: AsgiWebsocket, connection: Connection, *, direct: bool, compressed: bool
    ) -> None:
        self._hub = hub
        self._asgi = asgi
        self._connection = connection
        self._carrier = WebsocketCarrier(hub, asgi, connection, direct=direct, compressed=compressed)

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
        await self._asgi.wait_closed()

    async def _serve(self) -> None:
        reader = asyncio.create_task(self._read())
        try:
            await Pump(self._hub, self._connection, self._carrier).run()
        except Exception:
            logger.exception("a WebSocket failed")
            self._connection.fail()
        finally:
            reader.cancel()
            await asyncio.wait([reader])

    async def _read(self) -> None:
        try:
            while self._connection.alive:
                await self._receive(await self._asgi.receive())
        except Disconnected:
            self._peer_closed()

    async def _receive(self, data: str | bytes) -> None:
        try:
            if (under_way := self._hub.receive(self._connection, data)) is not None:
                await under_way
        except Exception:
            logger.exception("reading from a WebSocket failed")
            self._connection.fail()

    def _peer_closed(self) -> None:
        self._connection.peer_ended(self._carrier.close_code)
