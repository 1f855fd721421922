"""The reach into Hypercorn for connections that it goes on serving, and only to do what ASGI cannot.

Through ASGI a WebSocket cannot be pinged, aborted, asked for its peer's close code, bounded in what it takes in, or
given a frame that is encoded already. Where Hypercorn (0.18) serves, its stream can. Anywhere else `websocket_wire`
returns None, and the ordinary `send` and `receive` are used.
"""

import asyncio
import contextlib
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from typing import Any

import h11
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from wsproto.events import CloseConnection, Event, Message, Ping, Pong
from wsproto.extensions import Extension

from quart_app.realtime.limits import INBOUND_MESSAGE_BYTES
from quart_app.transports.below.hypercorn_018 import (
    BUFFER_HIGH_WATER,
    BUFFER_LOW_WATER,
    ASGIWebsocketState,
    BufferCompleteError,
    Connection,
    ConnectionState,
    ConnectionType,
    Data,
    H2Protocol,
    H11Protocol,
    StreamBuffer,
    StreamClosed,
    WSStream,
)
from quart_app.transports.below.inbox import owner


class WebsocketWire:
    """One accepted WebSocket below ASGI.

    `heard_at` is when its peer last sent a frame, of any kind (s, the loop's clock). `close_code` is the peer's, once
    it has sent a close frame. `ponged` is called when the peer answers a ping.
    """

    __slots__ = ("_events", "_loop", "_stream", "_unfinished", "close_code", "heard_at", "ponged")

    def __init__(self, stream: WSStream) -> None:
        self._loop = asyncio.get_running_loop()
        self._stream = stream
        self.close_code: int | None = None
        self.heard_at = self._loop.time()
        self.ponged: Callable[[], object] = lambda: None
        self._unfinished = 0
        self._events = stream.connection.events
        stream.connection.events = self._watched_events  # type: ignore[method-assign]  # ours wraps it

    def _watched_events(self) -> Generator[Event, None, None]:
        for event in self._events():
            self.heard_at = self._loop.time()
            if isinstance(event, CloseConnection):
                self.close_code = event.code
            elif isinstance(event, Pong):
                self.ponged()
            if isinstance(event, Message):
                yield from self._bounded(event)
            else:
                yield event

    def _bounded(self, part: Message[Any]) -> Generator[Event, None, None]:
        """Yield the parts of a message; one that outgrows the limit is yielded as complete there, to be refused, and
        nothing after it is yielded.

        Hypercorn would go on collecting the rest for as long as the peer sends.
        """
        if self._unfinished > INBOUND_MESSAGE_BYTES:
            return
        self._unfinished += len(part.data)
        if self._unfinished > INBOUND_MESSAGE_BYTES:
            part = replace(part, message_finished=True)
        elif part.message_finished:
            self._unfinished = 0
        yield part

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


class HeldBuffer(StreamBuffer):
    """A bounded buffer for what one HTTP/2 stream still has to send.

    Hypercorn's own buffer lets its writer go on whenever the peer's window is shut, and so collects everything that a
    peer does not take.
    """

    async def push(self, data: bytes) -> None:
        """Take data, and return when most of it has gone."""
        if self._complete:
            raise BufferCompleteError
        self.buffer.extend(data)
        await self._is_empty.clear()
        if len(self.buffer) >= BUFFER_HIGH_WATER:
            await self._paused.clear()
            await self._paused.wait()

    async def pop(self, max_length: int) -> bytes:
        """Return the next data to go, as much as the peer takes."""
        data = bytes(self.buffer[:max_length])
        del self.buffer[:max_length]
        if len(self.buffer) < BUFFER_LOW_WATER:
            await self._paused.set()
        if not self.buffer:
            await self._is_empty.set()
        return data


def hold_back(send: Any) -> None:
    """Make an HTTP/2 stream that has just begun wait for a peer that reads slowly."""
    stream = owner(send)
    protocol = owner(getattr(stream, "send", None))
    if isinstance(protocol, H2Protocol) and not protocol.stream_buffers[stream.stream_id].buffer:
        protocol.stream_buffers[stream.stream_id] = HeldBuffer(protocol.context.event_class)


def decline_compression(send: Any) -> None:
    """Agree to no permessage-deflate (RFC 7692).

    Hypercorn would agree to any offer of it: to a window for each direction of each connection, and to messages that
    unpack to a thousand times their size before anything can look at them.
    """
    stream = owner(send)
    if type(stream) is WSStream:
        stream.handshake.extensions = None


def agree_to(send: Any, extension: Extension, answer: str) -> bool:
    """Make Hypercorn accept a WebSocket with this extension alone, and with this answer to the peer's offer of it.

    Return whether Hypercorn will do so.
    """
    stream = owner(send)
    if type(stream) is not WSStream:
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


def is_refused(send: Any) -> bool:
    """Tell whether Hypercorn has refused a WebSocket meanwhile, of which it tells nobody: its client has sent something
    before it was accepted."""
    stream = owner(send)
    return type(stream) is WSStream and bool(stream.closed)


def unhook(send: Any) -> None:
    """Remove our hooks from a finished WebSocket, so that what served it is freed at once."""
    stream = owner(send)
    if type(stream) is WSStream and hasattr(stream, "connection"):
        vars(stream.connection).pop("events", None)


def websocket_wire(send: Any) -> WebsocketWire | None:
    """Return the WebSocket behind an ASGI `send`, after it was accepted, None where there is none of Hypercorn's."""
    stream = owner(send)
    if type(stream) is WSStream and hasattr(stream, "connection"):
        return WebsocketWire(stream)
    return None
