"""Taking a TCP connection out of Hypercorn's hands, over HTTP/1.1: its transport, and what was read and not used yet.

Hypercorn's side then ends by itself, without a word on the wire. Nothing is taken unless every part is of the kind that
this file knows, and in the state that it expects.
"""

import asyncio
from typing import Any, Final, NamedTuple, cast

import h11

from quart_app.realtime.limits import PUSHED_BYTES
from quart_app.transports.below.first_read import OpenedWebsocket, OpeningHandshake
from quart_app.transports.below.http1 import TidyH11
from quart_app.transports.below.hypercorn_018 import (
    ASGIWebsocketState,
    ChunkedWriter,
    H11Protocol,
    H11WSConnection,
    HTTPStream,
    TCPServer,
    WSStream,
)
from quart_app.transports.below.inbox import owner


class Taken(NamedTuple):
    """A TCP connection that is nobody's yet, and what its peer has sent and nobody has used."""

    transport: asyncio.Transport
    unread: bytes


def take_websocket(send: Any) -> OpenedWebsocket | None:
    """Return the WebSocket behind an ASGI `send`, which waits to be accepted; None where it cannot be taken."""
    stream = owner(send)
    if isinstance(stream, OpeningHandshake):
        return stream.take()
    protocol = owner(getattr(stream, "send", None))
    if not (
        isinstance(stream, WSStream)
        and isinstance(protocol, H11Protocol)
        and isinstance(protocol.connection, H11WSConnection)
        and stream.state is ASGIWebsocketState.HANDSHAKE
        and stream.handshake.key is not None
    ):
        return None
    taken = _take(stream, protocol, protocol.connection.buffer)
    return None if taken is None else OpenedWebsocket(*taken, stream.handshake.key, stream.config)


def take_answer(send: Any) -> Taken | None:
    """Return the TCP connection behind the `send` of an answer in chunks, after its head was sent; None where it cannot
    be taken."""
    stream = owner(send)
    protocol = owner(getattr(stream, "send", None))
    if not (
        isinstance(stream, HTTPStream)
        and isinstance(protocol, H11Protocol)
        and isinstance(protocol.connection, h11.Connection)
        and protocol.connection.our_state is h11.SEND_BODY
        and isinstance(protocol.connection._writer, ChunkedWriter)
    ):
        return None
    taken = _take(stream, protocol, protocol.connection.trailing_data[0])
    if taken is not None and isinstance(protocol, TidyH11):
        taken.transport.write(protocol.take_head())
    return taken


def _take(stream: Any, protocol: Any, unread: bytes | bytearray) -> Taken | None:
    server = owner(protocol.send)
    if not isinstance(server, TCPServer) or stream.closed or protocol.stream is not stream:
        return None
    reader, writer = cast("Any", server.reader), cast("Any", server.writer)
    transport = writer.transport
    # One whose peer is not taking what was written would not be told so any more.
    if reader.at_eof() or transport.is_closing() or transport.get_write_buffer_size() > PUSHED_BYTES // 4:
        return None
    taken = Taken(transport, bytes(unread) + bytes(reader._buffer))
    stream.closed = True
    stream.app_put = None  # which refers back to it
    protocol.stream = None
    vars(server).update(protocol=_NOTHING, _close=_NOTHING.handle)
    writer._transport = _NOTHING  # whose end is not that of the transport
    reader._buffer.clear()
    reader.feed_eof()
    if isinstance(protocol, TidyH11):
        protocol.give_up()
    if let_go := getattr(asyncio.get_running_loop(), "let_go", None):
        let_go(transport)
    return taken


class _Nothing:
    """A stand-in for the protocol and the transport of a connection that was taken, for whoever still asks them."""

    async def handle(self, event: Any = None) -> None:
        """Do nothing."""

    def is_closing(self) -> bool:
        """Return True: there is nothing to be closed."""
        return True


_NOTHING: Final = _Nothing()
