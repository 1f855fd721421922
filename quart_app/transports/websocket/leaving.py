"""A WebSocket that was told that it is over, until its peer says so too (RFC 6455 section 7.1.2)."""

import asyncio
import contextlib

from quart_app.realtime import Hub
from quart_app.transports.sockets import Leaving
from quart_app.transports.websocket.frames import FrameError, FrameReader, Opcode


class LeavingWebsocket(Leaving):
    """A WebSocket that was sent a close frame: it is closed when `frames` bring that of its peer, or after a time."""

    __slots__ = ("_frames",)

    def __init__(self, hub: Hub, transport: asyncio.Transport, frames: FrameReader) -> None:
        super().__init__(hub, transport)
        self._frames = frames

    def said(self) -> None:
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        self._frames.feed(data)
        with contextlib.suppress(FrameError):
            while (frame := self._frames.next()) is not None and frame[0] != Opcode.CLOSE:
                pass
            if frame is None:
                return
        self._transport.close()
