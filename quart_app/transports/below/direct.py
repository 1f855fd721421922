"""The reach into Hypercorn for connections that it goes on serving, and only to do what ASGI cannot.

Through ASGI a WebSocket cannot be pinged, aborted, asked for its peer's close code, bounded in what it takes in, or
given a frame that is encoded already. Where Hypercorn (0.18) serves, its stream can. Anywhere else `websocket_wire`
returns None, and the ordinary `send` and `receive` are used.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import h11
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from wsproto.events import CloseConnection, Event, Ping, Pong
from wsproto.extensions import Extension

from quart_app.transports.below.hypercorn_018 import (
    ASGIWebsocketState,
    Connection,
    ConnectionState,
    ConnectionType,
    Data,
    H2Protocol,
    H11Protocol,
    HTTPStream,
    StreamClosed,
    WSStream,
)
from quart_app.transports.below.inbox import owner
from quart_app.transports.below.websocket import TidyWebsocket


class WebsocketWire:
    """One accepted WebSocket below ASGI.

    `heard_at` is when its peer last sent a frame, of any kind (s, the loop's clock). `close_code` is the peer's, once
    it has sent a close frame. `ponged` is called when the peer answers a ping, and `counts` for each frame that brings
    no message; it returns whether the WebSocket goes on.
    """

    __slots__ = ("_loop", "_stream", "close_code", "counts", "heard_at", "ponged")

    def __init__(self, stream: TidyWebsocket) -> None:
        self._loop = asyncio.get_running_loop()
        self._stream = stream
        self.close_code: int | None = None
        self.heard_at = self._loop.time()
        self.ponged: Callable[[], object] = lambda: None
        self.counts: Callable[[], bool] = lambda: True
        stream.watcher = self

    def heard(self, event: Event) -> None:
        """Take note of a frame, or of a part of one."""
        self.heard_at = self._loop.time()
        if isinstance(event, CloseConnection):
            self.close_code = event.code
        elif isinstance(event, Pong):
            self.ponged()

    async def send(self, frames: bytes) -> None:
        """Write whole frames, and return when the transport takes more; after the end, do nothing."""
        stream = self._stream
        if stream.state is ASGIWebsocketState.CONNECTED and not stream.closed:
            try:  # noqa: SIM105 - this is done for every delivery, and suppress() costs ten times as much
                await stream.send(Data(stream_id=stream.stream_id, data=frames))
            except OSError:
                pass  # the peer is lost, and the reading side is told so

    async def ping(self) -> None:
        """Send a ping, which every peer has to answer (RFC 6455 section 5.5.2)."""
        if self._stream.connection.state is ConnectionState.OPEN:
            await self.send(self._stream.connection.send(Ping()))

    def abort(self) -> None:
        """Drop the TCP connection of an HTTP/1.1 peer at once; over HTTP/2 others share it."""
        protocol = owner(self._stream.send)
        if isinstance(protocol, H11Protocol):
            owner(protocol.send).writer.transport.abort()


def decline_compression(send: Any) -> None:
    """Agree to no permessage-deflate (RFC 7692).

    Hypercorn would agree to any offer of it: to a window for each direction of each connection, and to messages that
    unpack to a thousand times their size before anything can look at them.
    """
    stream = owner(send)
    if isinstance(stream, WSStream):
        stream.handshake.extensions = None


def agree_to(send: Any, extension: Extension, answer: str) -> bool:
    """Make Hypercorn accept a WebSocket with this extension alone, and with this answer to the peer's offer of it.

    Return whether Hypercorn will do so.
    """
    stream = owner(send)
    if not isinstance(stream, WSStream):
        return False
    decline_compression(send)
    accept = stream.handshake.accept

    def accept_with(subprotocol: str | None, additional_headers: Iterable[tuple[bytes, bytes]]) -> Any:
        status, headers, _ = accept(subprotocol, additional_headers)
        headers.append((b"sec-websocket-extensions", answer.encode()))
        return status, headers, Connection(ConnectionType.SERVER, [extension])

    stream.handshake.accept = accept_with  # type: ignore[method-assign]  # ours wraps it
    return True


async def drop(send: Any) -> None:
    """End an answer at once, whatever of it is still on its way; after the end, do nothing."""
    stream = owner(send)
    protocol = owner(getattr(stream, "send", None))
    if isinstance(protocol, H11Protocol):
        owner(protocol.send).writer.transport.abort()
    elif isinstance(protocol, H2Protocol) and not stream.closed:
        with contextlib.suppress(ProtocolError):  # its peer was quicker
            protocol.connection.reset_stream(stream.stream_id, ErrorCodes.CANCEL)
            # Not drained: the whole connection may be stalled.
            owner(protocol.send).writer.write(protocol.connection.data_to_send())
        await protocol.stream_send(StreamClosed(stream_id=stream.stream_id))


async def stop_reading(send: Any) -> None:
    """Read nothing more after an answer over HTTP/1.1 that was cut off.

    Hypercorn waits for the end of the answer before it reads the request that the peer had sent ahead (RFC 9112 section
    9.3.2), and would wait for ever.
    """
    protocol = owner(getattr(owner(send), "send", None))
    if isinstance(protocol, H11Protocol) and protocol.stream is None and protocol.connection.our_state is h11.SEND_BODY:
        protocol.connection = h11.Connection(h11.SERVER)  # in which there is nothing to wait for
        await protocol.can_read.set()


def is_over(send: Any) -> bool:
    """Tell whether the peer behind an ASGI `send` is gone, or was sent away by Hypercorn."""
    stream = owner(send)
    return isinstance(stream, HTTPStream | WSStream) and bool(stream.closed)


def unhook(send: Any) -> None:
    """Remove our hooks from a finished WebSocket, so that what served it is freed at once."""
    stream = owner(send)
    if isinstance(stream, TidyWebsocket):
        stream.watcher = None


def websocket_wire(send: Any) -> WebsocketWire | None:
    """Return the WebSocket behind an ASGI `send`, after it was accepted, None where there is none of Hypercorn's."""
    stream = owner(send)
    return WebsocketWire(stream) if isinstance(stream, TidyWebsocket) and stream.handshake.accepted else None
