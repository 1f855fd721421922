"""The WebSocket transport (RFC 6455), by the `websockets` library."""

from __future__ import annotations

import ssl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.protocol import State

from quart_app.client.address import Address
from quart_app.client.endings import (
    COME_BACK_STATUSES,
    Ending,
    Kind,
    LinkEnded,
    from_close_code,
    retry_after_seconds,
    untrusted,
)
from quart_app.client.messages import Message, NotAMessage, decode, encode
from quart_app.client.session import Opening
from quart_app.client.transports import Batch

LARGEST_MESSAGE = 16 * 1024 * 1024
CLOSE_TIMEOUT = 2.0
GOODBYE = 1000
GIVE_UP = 4000
"""Our own code for "this connection is of no use": anything but 1000 leaves the user's presence its linger."""


async def open_websocket(address: Address, opening: Opening, tls: ssl.SSLContext | None) -> WebSocketLink:
    """Opens a WebSocket; raises LinkEnded.

    No compression: the server hands one prebuilt frame to all, and inflating costs both sides 256 KiB a connection.
    No pings of the library's own: a slow consumer stops reading, and so its pongs, which is no reason to cut it off.
    """
    try:
        connection = await connect(
            address.websocket(opening),
            additional_headers=address.headers,
            compression=None,
            ping_interval=None,
            open_timeout=None,
            close_timeout=CLOSE_TIMEOUT,
            max_size=LARGEST_MESSAGE,
            ssl=(tls or True) if address.secure else None,
        )
    except InvalidStatus as error:
        raise LinkEnded(_rejection(error)) from error
    except (InvalidHandshake, ConnectionResetError, BrokenPipeError) as error:
        raise LinkEnded(Ending(Kind.BLOCKED, f"no WebSocket handshake: {error}")) from error
    except OSError as error:
        unreachable = Ending(Kind.UNREACHABLE, str(error) or type(error).__name__)
        raise LinkEnded(untrusted(error) or unreachable) from error
    return WebSocketLink(connection)


def _rejection(error: InvalidStatus) -> Ending:
    # The server itself accepts and then closes with a code, so a status comes from something in between (or from a
    # server too busy to say more): it condemns the rung, unless it names a time to come back.
    response = error.response
    seen = f"HTTP {response.status_code} instead of a WebSocket"
    wait = retry_after_seconds({"retry-after": response.headers.get("Retry-After", "")})
    if response.status_code in COME_BACK_STATUSES and wait is not None:
        return Ending(Kind.LATER, seen, 4000 + response.status_code, wait)
    return Ending(Kind.BLOCKED, seen)


class WebSocketLink:
    """A `Link` over a WebSocket; replies come through `receive`."""

    transport = "ws"
    takes_subscriptions = True
    quiet = None

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> Batch:
        try:
            text = await self._connection.recv()
            return Batch([decode(text)])
        except ConnectionClosed as error:
            raise LinkEnded(self._ending()) from error
        except (NotAMessage, UnicodeDecodeError) as error:
            raise LinkEnded(Ending(Kind.DIED, f"not a message: {error}")) from error

    async def send(self, topic: str, message: Message) -> None:
        try:
            await self._connection.send(encode({**message, "topic": topic}).decode())
        except ConnectionClosed as error:
            raise LinkEnded(self._ending()) from error

    async def close(self, *, orderly: bool) -> None:
        if self._connection.state is State.OPEN:
            await self._connection.close(GOODBYE if orderly else GIVE_UP)
        await self._connection.wait_closed()

    def _ending(self) -> Ending:
        return from_close_code(self._connection.close_code or 1006, self._connection.close_reason or "")
