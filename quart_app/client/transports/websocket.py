"""The WebSocket transport (RFC 6455), by the `websockets` library."""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.protocol import State

from quart_app.client.address import Address, StreamRequest
from quart_app.client.endings import (
    BACK_SOON,
    EndingKind,
    LinkEnded,
    LinkEnding,
    ending_of_answer,
    ending_of_close,
    failed,
    untrusted,
)
from quart_app.client.links import Arrival
from quart_app.client.messages import Message, NotAMessage, decode, encode, server_error
from quart_app.client.options import GOODBYE_TIMEOUT, MAX_MESSAGE, Options
from quart_app.surroundings import Surroundings
from quart_app.wire import Close, retry_after


async def open_websocket(address: Address, request: StreamRequest, options: Options) -> WebSocketLink:
    """Open a WebSocket; raise LinkEnded.

    It has no compression, because the server hands one prebuilt frame to all, and inflating costs both sides 256 KiB a
    connection. It has no pings of the library's own, because a slow consumer stops reading, and so its pongs, which is
    no reason to cut it off.
    """
    try:
        connection = await connect(
            address.websocket(request),
            additional_headers=address.headers,
            compression=None,
            ping_interval=None,
            open_timeout=None,
            close_timeout=GOODBYE_TIMEOUT,
            max_size=MAX_MESSAGE,
            ssl=(options.tls or True) if address.secure else None,
        )
    except InvalidStatus as error:
        raise LinkEnded(_rejection(error, options.surroundings)) from error
    except (InvalidHandshake, ConnectionResetError, BrokenPipeError) as error:
        raise failed(f"no WebSocket handshake: {error}") from error
    except OSError as error:
        unreachable = LinkEnding(EndingKind.UNREACHABLE, str(error) or type(error).__name__)
        raise LinkEnded(untrusted(error) or unreachable) from error
    return WebSocketLink(connection)


def _rejection(error: InvalidStatus, surroundings: Surroundings) -> LinkEnding:
    # Our server accepts and then closes with a code, so that an HTTP status comes from something in between, or from a
    # server too busy to say more.
    response = error.response
    wait = retry_after(response.headers.get("Retry-After"), surroundings.wall() / 1000)
    return ending_of_answer(response.status_code, server_error(response.body), wait)


class WebSocketLink:
    """A `Link` over a WebSocket; replies come through `receive`."""

    transport = "ws"
    takes_subscriptions = True
    quiet = None

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> Arrival:
        try:
            text = await self._connection.recv()
            return Arrival([decode(text)])
        except ConnectionClosed as error:
            raise LinkEnded(self._ending()) from error
        except (NotAMessage, UnicodeDecodeError) as error:
            raise failed(f"not a message: {error}") from error

    async def send(self, topic: str, message: Message) -> None:
        try:
            await self._connection.send(encode({**message, "topic": topic}).decode())
        except ConnectionClosed as error:
            raise LinkEnded(self._ending()) from error

    async def close(self, *, orderly: bool) -> None:
        if self._connection.state is State.OPEN:
            await self._connection.close(Close.NORMAL if orderly else BACK_SOON)
        await self._connection.wait_closed()

    def _ending(self) -> LinkEnding:
        return ending_of_close(self._connection.close_code or Close.GONE, self._connection.close_reason or "")
