"""TCP connections that have left the server: each serves one connection of the hub, and is nothing beside that."""

import asyncio

from quart_app.realtime import Connection, ConnectionDelivery, Form, Hub, Message, limits
from quart_app.transports.liveness import Liveness


class Socket(ConnectionDelivery, asyncio.Protocol):
    """A TCP connection that carries a connection of the hub, whose messages are written in `form`, until one of them
    ends."""

    form: Form
    comment: Message | None = None
    heard_at: float

    __slots__ = ("_liveness", "_transport", "hub", "stalled_since")

    def __init__(self, hub: Hub, connection: Connection, transport: asyncio.Transport) -> None:
        super().__init__(connection)
        self.hub = hub
        self.stalled_since: float | None = None
        self._transport = transport
        self._liveness = Liveness(hub, connection, self)

    @property
    def carrier(self) -> asyncio.Transport:
        """As of `realtime.clients.lines.Line`."""
        return self._transport

    @property
    def gone(self) -> bool:
        """Tell whether the peer is gone."""
        return self._transport.is_closing()

    def begin(self, first: bytes, unread: bytes) -> None:
        """Write what comes `first`, then all that there is for the client, and take what it has sent, `unread` so
        far."""
        self.hub.lines.enter(self)
        self._transport.set_protocol(self)
        self._transport.set_write_buffer_limits(limits.PUSHED_BYTES, limits.PUSHED_BYTES // 4)
        self._transport.resume_reading()
        self.deliver(self._transport.write, self.form, first)
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
        self.hub.lines.lost(self, self._transport)

    def ping(self) -> bool:
        """Ask the peer for a sign of life; return whether that can be done."""
        return False

    def drop(self) -> None:
        """Cut the peer off at once, with all that is on its way."""
        self._transport.abort()

    def _part(self) -> None:
        """Serve the connection of the hub no more."""
        self.stop()
        self._liveness.stop()
        self.connection.ping = None
        self.hub.closed(self.connection)

    def _leave(self, last: bytes, leaving: "Leaving") -> None:
        """Write what comes `last`, and have the peer let go by `leaving`."""
        self._part()
        leaving.begin(last)
        self.hub.lines.leave(self)


class Leaving(asyncio.Protocol):
    """A TCP connection that is told no more: it is closed when its peer has ended its side, or after a time."""

    __slots__ = ("_hub", "_transport")

    def __init__(self, hub: Hub, transport: asyncio.Transport) -> None:
        self._hub = hub
        self._transport = transport

    @property
    def carrier(self) -> asyncio.Transport:
        """As of `realtime.clients.lines.Line`."""
        return self._transport

    def begin(self, last: bytes) -> None:
        """Write what comes `last`, and end our side."""
        self._hub.lines.enter(self)
        self._hub.wheel.enter(self, limits.CLOSE_HANDSHAKE)
        self._transport.set_protocol(self)
        self._transport.write(last)
        self._transport.resume_reading()
        self.said()

    def said(self) -> None:
        """Act on that all was said: end our side."""
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def ring(self, now: float) -> None:
        """Wait no more."""
        self._transport.abort()

    def drop(self) -> None:
        """Cut the peer off at once."""
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._hub.wheel.leave(self)
        self._hub.lines.lost(self, self._transport)
