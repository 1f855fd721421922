"""A WebSocket that Hypercorn serves, with the ends that it leaves open: its own way of reading, and every refusal.

Hypercorn (0.18) keeps the connection of a handshake that it refuses, ends one that breaks the protocol without a word,
goes on collecting a message that is too long, and answers as many pings as come.
"""

import asyncio
from typing import Any, Protocol

from wsproto.events import CloseConnection, Event, Message, Ping

from quart_app.realtime import Allowance, limits
from quart_app.transports.below.hypercorn_018 import (
    ASGIWebsocketState,
    Body,
    ConnectionState,
    Data,
    EndBody,
    FrameTooLargeError,
    RequestHead,
    StreamClosed,
    WSStream,
)
from quart_app.wire import Close


class Watcher(Protocol):
    """Whoever is told what comes in by a WebSocket."""

    def heard(self, event: Event) -> None:
        """Take note of a frame, or of a part of one."""

    def counts(self) -> bool:
        """Count a frame that brings no message; return whether the WebSocket goes on."""


class TidyWebsocket(WSStream):
    """Hypercorn's side of one WebSocket; `watcher` is whoever is told of its frames, once it is accepted."""

    watcher: Watcher | None = None
    _deaf = False
    """Whether nothing is read any more: a message was too long, or there were too many frames."""
    _length = 0
    """How much of a message has come in."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._allowance = Allowance(limits.INBOUND_RATE, limits.INBOUND_BURST, asyncio.get_running_loop().time())

    async def handle(self, event: Any) -> None:
        if self.closed:
            return
        if isinstance(event, Body | Data):
            await self._take(event.data)
        elif isinstance(event, EndBody):  # over HTTP/2: the peer's side is over (RFC 8441 section 5)
            await self._end()
        else:
            await super().handle(event)
            await self._let_go_where_refused(event)

    async def _let_go_where_refused(self, event: Any) -> None:
        if self.closed and isinstance(event, RequestHead):
            await self._end()

    async def _end(self) -> None:
        """Tell the application that the peer is gone, and let the connection go."""
        await self.send(StreamClosed(stream_id=self.stream_id))

    async def _take(self, data: bytes) -> None:
        if not self.handshake.accepted:
            if self.state is ASGIWebsocketState.HANDSHAKE:  # RFC 6455 section 4.1: a client waits for the answer
                await self._send_error_response(400)
                await self._end()
            return
        if not self._deaf:
            self.connection.receive_data(data)
            await self._handle_events()

    async def _handle_events(self) -> None:
        for number, event in enumerate(self.connection.events(), start=1):
            if not number % limits.FRAMES_AT_ONCE:
                await asyncio.sleep(0)
            if self.watcher is not None:
                self.watcher.heard(event)
            if isinstance(event, CloseConnection):
                await self._take_close(event)
            elif isinstance(event, Message):
                await self._take_part(event)
            elif await self._counted() and isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            if self._deaf or self.closed:
                return

    async def _take_close(self, event: CloseConnection) -> None:
        """Answer a close frame, or say which rule was broken (RFC 6455 section 7.1.7), and end."""
        if self.connection.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
            await self._send_wsproto_event(event.response())
        await self._end()

    async def _take_part(self, part: Message[Any]) -> None:
        """Hand on a message that is complete, or that has outgrown the limit, for which it is refused."""
        try:
            self.buffer.extend(part)
        except FrameTooLargeError:  # the operator's limit, which is the lower one
            self._deaf = True
            await self._send_wsproto_event(CloseConnection(code=Close.TOO_BIG))
            return
        self._length += len(part.data)
        self._deaf = self._length > limits.INBOUND_MESSAGE_BYTES
        if part.message_finished or self._deaf:
            message = self.buffer.to_message()
            self.buffer.clear()
            self._length = 0
            assert self.app_put is not None  # noqa: S101 - it was accepted
            await self.app_put(message)
        elif part.frame_finished:
            await self._counted()

    async def _counted(self) -> bool:
        """Count a frame that brings no message; return whether the WebSocket goes on."""
        if self.watcher is not None:
            self._deaf = not self.watcher.counts()
        elif self._allowance.spend(asyncio.get_running_loop().time()):
            self._deaf = True
            said = f"at most {limits.INBOUND_RATE:.0f} frames a second"
            await self._send_wsproto_event(CloseConnection(code=Close.TOO_MANY, reason=said))
            await self._end()
        return not self._deaf
