"""A WebSocket whose frames are read and written here, from the end of its opening handshake to the last close frame."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final

from quart_app.realtime import Connection, Form, Hub
from quart_app.transports.sockets import Leaving, Socket
from quart_app.transports.websocket.frames import (
    FrameError,
    FrameReader,
    Opcode,
    close_code,
    close_frame,
    control_frame,
)
from quart_app.transports.websocket.leaving import LeavingWebsocket
from quart_app.wire import Close

ANSWERS_AT_ONCE: Final = 64  # answers that may wait, or frames without a message, before the event loop goes on

logger = logging.getLogger(__name__)


class FramedWebsocket(Socket):
    """A WebSocket: what its client says goes to the hub, what its connection brings is written in frames."""

    __slots__ = ("_frames", "_pong", "_unsaying", "_waiting_for", "form", "heard_at")

    def __init__(self, hub: Hub, connection: Connection, transport: asyncio.Transport, *, compressed: bool) -> None:
        super().__init__(hub, connection, transport)
        self._frames = FrameReader(compressed=compressed)
        self._pong: bytes | None = None
        self._unsaying = 0
        """How many frames without a message there were since the last turn of the loop."""
        self._waiting_for: asyncio.Task[None] | None = None
        self.form = Form.DEFLATED_FRAMES if compressed else Form.FRAMES
        self.heard_at = 0.0
        connection.ping = self.ping

    def data_received(self, data: bytes) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        self._frames.feed(data)
        self._read()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._pong is not None:
            self._answer_ping(self._pong)

    def ping(self) -> bool:
        """Send a ping frame (RFC 6455 section 5.5.2)."""
        self.connection.pinged()
        self._transport.write(control_frame(Opcode.PING, b""))
        return True

    def finish(self) -> None:
        """Say why it is over, and leave."""
        ending = self.connection.ending
        code, reason = (Close.INTERNAL_ERROR, "") if ending is None else (ending.code, ending.reason)
        self._leave(close_frame(code, reason), self._leaving())

    def _leaving(self) -> Leaving:
        if self._frames.deaf:
            return Leaving(self.hub, self._transport)
        return LeavingWebsocket(self.hub, self._transport, self._frames)

    def _read(self) -> None:
        """Act on what has come, unless something has to be waited for first."""
        self._unsaying = 0
        try:
            while not self.over and self._waiting_for is None and self._listens():
                frame = self._frames.next()
                if frame is None:
                    return
                self._take(*frame)
        except FrameError as error:
            self.connection.peer_ended(None)
            self._leave(close_frame(error.code, str(error)), Leaving(self.hub, self._transport))

    def _listens(self) -> bool:
        """Tell whether there is any use in reading; else this ends when its peer has taken what was written."""
        if not self.connection.alive:
            self._transport.pause_reading()
        return self.connection.alive

    def _take(self, opcode: int, data: bytes) -> None:
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            self._take_message(data)
        elif opcode == Opcode.CLOSE:
            self.connection.peer_ended(close_code(data))
            self._leave(control_frame(Opcode.CLOSE, data), Leaving(self.hub, self._transport))
            self._transport.close()
        elif self.hub.count_frame(self.connection):
            self._take_unsaying(opcode, data)

    def _take_message(self, data: bytes) -> None:
        try:
            under_way = self.hub.receive(self.connection, data)
        except Exception:
            logger.exception("reading from a WebSocket failed")
            self.connection.fail()
            return
        if under_way is not None:
            self._wait_for(under_way)
        elif self.connection.owes >= ANSWERS_AT_ONCE:
            # More that has come already follows without a turn of the loop, and only in a turn do answers go out.
            self._wait_for(asyncio.sleep(0))

    def _take_unsaying(self, opcode: int, data: bytes) -> None:
        """Take a frame that brings no message."""
        if opcode == Opcode.PING:
            self._answer_ping(data)
        elif opcode == Opcode.PONG:
            self.connection.ponged()
        self._unsaying += 1
        if self._unsaying == ANSWERS_AT_ONCE:
            self._wait_for(asyncio.sleep(0))

    def _wait_for(self, under_way: Awaitable[None]) -> None:
        self._transport.pause_reading()
        self._waiting_for = asyncio.create_task(self._go_on_after(under_way))

    async def _go_on_after(self, under_way: Awaitable[None]) -> None:
        try:
            await under_way
        except Exception:
            logger.exception("reading from a WebSocket failed")
            self.connection.fail()
        self._waiting_for = None
        if not (self.over or self._transport.is_closing()):
            self._transport.resume_reading()
            self._read()

    def _answer_ping(self, data: bytes) -> None:
        """Answer a ping, or the last of those that came while the peer took nothing (RFC 6455 section 5.5.3)."""
        self._pong = data if self.stalled_since is not None else None
        if self._pong is None:
            self._transport.write(control_frame(Opcode.PONG, data))
