"""TCP connections that have left the server: each serves one connection of the hub, and is nothing beside that."""

import asyncio
import contextlib

from quart_app.realtime import Connection, Delivery, Form, Hub, limits
from quart_app.transports.liveness import Liveness
from quart_app.transports.websocket.frames import FrameError, FrameReader, Opcode


class Socket(Delivery, Liveness, asyncio.Protocol):
    """A TCP connection that carries a connection of the hub, whose messages are written in `form`, until one of them
    ends."""

    form: Form

    __slots__ = (
        "_commented_at", "_pinged_at", "_said_at", "_transport", "hub", "stalled_since",
    )  # fmt: skip

    def __init__(self, hub: Hub, connection: Connection, transport: asyncio.Transport) -> None:
        super().__init__(connection)
        self.hub = hub
        self._transport = transport

    def begin(self, first: bytes, unread: bytes) -> None:
        """Write what comes `first`, then all that there is for the client; take what it has sent and nobody has read."""
        self.hub.lines.enter(self)
        self.watch()
        self._transport.set_protocol(self)
        self._transport.set_write_buffer_limits(limits.PUSHED_BYTES, limits.PUSHED_BYTES // 4)
        self._transport.write(first)
        self.deliver(self._transport.write, self.form)
        if unread:
            self.data_received(unread)

    def pause_writing(self) -> None:
        self.stalled_since = asyncio.get_running_loop().time()
        self.pause()

    def resume_writing(self) -> None:
        self.stalled_since = None
        self.resume()

    def connection_lost(self, error: Exception | None) -> None:
        self._part()
        self.hub.lines.leave(self)

    def drop(self) -> None:
        self._transport.abort()

    def _part(self) -> None:
        """Serve the connection of the hub no more."""
        self.stop()
        self.rest()
        self.connection.ping = None
        self.hub.closed(self.connection)

    def _leave(self, last: bytes, frames: FrameReader | None) -> None:
        """Write what comes `last`, and let the peer go."""
        self._part()
        self.hub.lines.leave(self)
        Leaving(self.hub, self._transport, frames).begin(last)


class Leaving(asyncio.Protocol):
    """A TCP connection that is told no more: it is closed when its peer says goodbye, or after a time.

    That is a close frame, read from `frames`, or where these are None, the end of the peer's side.
    """

    __slots__ = ("_frames", "_hub", "_transport")

    def __init__(self, hub: Hub, transport: asyncio.Transport, frames: FrameReader | None) -> None:
        self._hub = hub
        self._transport = transport
        self._frames = frames

    def begin(self, last: bytes) -> None:
        """Write what comes `last`."""
        self._hub.lines.enter(self)
        self._hub.wheel.enter(self, limits.CLOSE_HANDSHAKE)
        self._transport.set_protocol(self)
        self._transport.write(last)
        self._transport.resume_reading()
        if self._frames is not None:
            self.data_received(b"")
        elif self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            return
        self._frames.feed(data)
        with contextlib.suppress(FrameError):
            while (frame := self._frames.next()) is not None and frame[0] != Opcode.CLOSE:
                pass
            if frame is None:
                return
        self._transport.close()

    def ring(self, now: float) -> None:
        """Wait no more."""
        self._transport.abort()

    def drop(self) -> None:
        """Cut the peer off at once."""
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._hub.wheel.leave(self)
        self._hub.lines.leave(self)
