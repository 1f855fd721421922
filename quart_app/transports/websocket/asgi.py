"""The other end of a WebSocket, as ASGI shows it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from quart_app.realtime import limits
from quart_app.transports.below.http import while_there
from quart_app.transports.websocket.frames import short_reason
from quart_app.wire import Close


class Disconnected(Exception):
    """The peer is gone."""


class AsgiWebsocket:
    """One WebSocket through ASGI's `receive` and `send`.

    It is `closed` when the server has said so, or when nobody listens to it any more.
    """

    __slots__ = ("asgi_receive", "asgi_send", "closed", "send_event")

    def __init__(self, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        self.asgi_receive = receive
        self.asgi_send = send
        self.send_event = while_there(send)
        self.closed = False

    async def receive(self) -> str | bytes:
        """Return the next message. Raise Disconnected."""
        while True:
            data = self.payload(await self.asgi_receive())
            if data is not None:
                return data

    def payload(self, event: Any) -> str | bytes | None:
        """Return the message that an event of ASGI brings, None where it brings none. Raise Disconnected."""
        if event["type"] == "websocket.disconnect":
            self.closed = True
            raise Disconnected
        if event["type"] != "websocket.receive":
            return None
        text: str | None = event.get("text")
        return text if text is not None else event.get("bytes") or b""

    async def send(self, text: str) -> None:
        """Send one text message."""
        await self.send_event({"type": "websocket.send", "bytes": None, "text": text})

    async def close(self, code: Close, reason: str) -> None:
        """Send a close frame; after the end, do nothing."""
        if not self.closed:
            await self.send_event({"type": "websocket.close", "code": code, "reason": short_reason(reason)})

    async def wait_closed(self) -> None:
        """Give the peer a bounded time to answer our close frame.

        To leave at once could lose the frame, to wait for ever would keep the dead.
        """
        with contextlib.suppress(TimeoutError, Disconnected):
            async with asyncio.timeout(limits.CLOSE_HANDSHAKE):
                while not self.closed:
                    await self.receive()
