"""A WebSocket that was told that it is over, until its peer says so too (RFC 6455 section 7.1.2)."""

import asyncio
import contextlib
from typing import Final

from quart_app.realtime import Hub
from quart_app.transports.sockets import Leaving
from quart_app.transports.websocket.frames import FrameError, FrameReader, Opcode

_UNREAD: Final = 2_000  # frames of a peer that goes on, after which nothing more is looked at


class LeavingWebsocket(Leaving):
    """A WebSocket that was sent a close frame: it is closed when `frames` bring that of its peer, or after a time."""

    __slots__ = ("_frames", "_left")

    def __init__(self, hub: Hub, transport: asyncio.Transport, frames: FrameReader) -> None:
        super().__init__(hub, transport)
        self._frames = frames
        self._left = _UNREAD

    def said(self) -> None:
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._frames.feed(data)
            with contextlib.suppress(FrameError):
                if self._peer_goes_on():
                    return
            self._transport.close()

    def _peer_goes_on(self) -> bool:
        """Return whether its peer has not said yet that it ends, too. Raise FrameError."""
        while self._left and (frame := self._frames.next()) is not None:
            self._left -= 1
            if frame[0] == Opcode.CLOSE:
                return False
        return True
