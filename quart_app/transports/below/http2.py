"""HTTP/2 as Hypercorn serves it, with a bound on what one connection may ask for, and with an end for each stream.

Hypercorn (0.18) takes as many frames and resets as come (CVE-2023-44487), keeps its streams in a tree that each of them
is looked for in, and lets one that the peer breaks off, or answers too early, end the whole connection with an error.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from priority.priority import DeadlockError

from quart_app.realtime import Allowance, limits
from quart_app.transports.below.hypercorn_018 import (
    BUFFER_HIGH_WATER,
    BUFFER_LOW_WATER,
    Body,
    BufferCompleteError,
    Closed,
    EndBody,
    H2Protocol,
    RawData,
    StreamBuffer,
    StreamClosed,
    Updated,
    WSStream,
)

_PREFACE: Final = 24  # bytes before the first frame (RFC 9113 section 3.4)
_HEAD: Final = 9  # bytes of a frame before its payload (RFC 9113 section 4.1)
_WINDOW_UPDATE: Final = 8  # the type of a frame
_UPDATES_PER_DATA: Final = 2  # frames by which a peer may say that it has taken one of ours: stream and connection
_TABLE_BYTES: Final = 4_096  # of headers that are remembered for a peer, as many as each allows (RFC 7541 section 4.2)
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")  # RFC 9110 section 9.1
_TARGET: Final = re.compile(rb"[!-~]+")

logger = logging.getLogger(__name__)


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

    @property
    def ends(self) -> bool:
        """Tell whether nothing more will be pushed."""
        return self._complete


class InTurn:
    """The streams of one connection that have something to send, in turn.

    What a peer says of their order is not asked, as RFC 9113 section 5.3.2 allows.
    """

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._ready: dict[int, None] = {}

    def insert_stream(self, stream_id: int) -> None:
        self._known.add(stream_id)
        self._ready[stream_id] = None

    def remove_stream(self, stream_id: int) -> None:
        self._known.discard(stream_id)
        self._ready.pop(stream_id, None)

    def block(self, stream_id: int) -> None:
        """Leave a stream out, as it has nothing that may be sent."""
        self._ready.pop(stream_id, None)

    def unblock(self, stream_id: int) -> None:
        """Ask a stream again; do nothing for one that is gone."""
        if stream_id in self._known:
            self._ready[stream_id] = None

    def __next__(self) -> int:
        """Return the stream whose turn it is. Raise DeadlockError where none has anything to send."""
        stream_id = next(iter(self._ready), None)
        if stream_id is None:
            raise DeadlockError
        del self._ready[stream_id]
        self._ready[stream_id] = None
        return stream_id


class FrameHeads:
    """The heads of the frames in what one peer sends, wherever that is cut."""

    __slots__ = ("_head", "_left")

    def __init__(self) -> None:
        self._head = b""
        self._left = _PREFACE
        """How many bytes there are before the next head."""

    def parts(self, data: bytes, most: int) -> Iterator[tuple[bytes, list[int]]]:
        """Yield `data` in parts, each with the types of the frames that begin in it, `most` of them at most."""
        at = begins = 0
        types: list[int] = []
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            part = data[at : at + _HEAD - len(self._head)]
            at += len(part)
            self._head += part
            if len(self._head) == _HEAD:
                types.append(self._head[3])
                self._left = int.from_bytes(self._head[:3], "big")
                self._head = b""
            if len(types) == most:
                yield data[begins:at], types
                begins, types = at, []
        if begins < at:
            yield data[begins:], types


class TidyH2(H2Protocol):
    """Hypercorn's side of one HTTP/2 connection, whose peer may send so many frames, and break off so many streams."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        now = asyncio.get_running_loop().time()
        self.priority = InTurn()  # type: ignore[assignment]  # it does what is asked of it here
        self._heads = FrameHeads()
        self._frames = Allowance(limits.HTTP2_FRAMES_RATE, limits.HTTP2_FRAMES_BURST, now)
        self._resets = Allowance(limits.HTTP2_RESETS_RATE, limits.HTTP2_RESETS_BURST, now)
        self._updates = 0
        """How many window updates are to be expected for what the peer was sent."""

    async def initiate(self, headers: Any = None, settings: Any = None) -> None:
        await super().initiate(headers, settings)
        await self._tell_idle()  # Hypercorn takes the preface for a request, after which it is busy

    async def _tell_idle(self) -> None:
        await self.send(Updated(idle=not self.streams))

    async def handle(self, event: Any) -> None:
        if isinstance(event, RawData):
            await self._take(event.data)
            return
        await super().handle(event)
        if isinstance(event, Closed):
            for stream_id in list(self.stream_buffers):
                await self._forget(stream_id)

    async def _take(self, data: bytes) -> None:
        """Take what has come, and let others have their turn after some frames."""
        first = True
        for part, types in self._heads.parts(data, limits.FRAMES_AT_ONCE):
            if not first:
                await asyncio.sleep(0)
            first = False
            if self.closed:
                return
            if not self._may_come(types):
                await self._end(f"at most {limits.HTTP2_FRAMES_RATE:.0f} frames a second")
                return
            try:
                events = self.connection.receive_data(part)
                await self._handle_events(events)
            except ProtocolError:
                await self._flush()
                await self.send(Closed())
                return

    def _may_come(self, types: Iterable[int]) -> bool:
        """Count frames; return whether there may be so many."""
        now = asyncio.get_running_loop().time()
        for type in types:
            if type == _WINDOW_UPDATE and self._updates:
                self._updates -= 1
            elif self._frames.spend(now):
                return False
        return True

    async def _end(self, why: str) -> None:
        """End the connection of a peer that asks for too much (RFC 9113 section 7, ENHANCE_YOUR_CALM)."""
        logger.info("an HTTP/2 connection is ended: %s", why)
        self.connection.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, additional_data=why.encode())
        await self._flush()
        await self.handle(Closed())
        await self.send(Closed())

    async def leave(self) -> None:
        """Say that no further request is answered, before the connection is closed (RFC 9113 section 6.8)."""
        self.connection.close_connection()
        await self._flush()

    async def _handle_events(self, events: Any) -> None:
        broken_off = {event.stream_id for event in events if isinstance(event, StreamReset)}
        for event in events:
            if self.closed:
                return
            if not isinstance(event, RequestReceived):
                await self._handle_event(event)
            elif event.stream_id not in broken_off:  # what is broken off already need not begin
                await self._begin(event)
        await self._flush()

    async def _handle_event(self, event: Any) -> None:
        match event:
            case DataReceived():
                await self._take_data(event)
            case StreamEnded(stream_id=stream_id):
                if stream_id in self.streams:
                    await self.streams[stream_id].handle(EndBody(stream_id=stream_id))
            case StreamReset(stream_id=stream_id):
                await self._forget(stream_id)
                if self._resets.spend(asyncio.get_running_loop().time()):
                    await self._end(f"at most {limits.HTTP2_RESETS_RATE:.0f} streams broken off a second")
                else:
                    await self._tell_idle()
            case WindowUpdated(stream_id=stream_id):
                await self._window_updated(stream_id)
            case RemoteSettingsChanged():
                await self._take_settings(event)
            case ConnectionTerminated():
                await self.send(Closed())

    async def _take_settings(self, event: RemoteSettingsChanged) -> None:
        if SettingCodes.HEADER_TABLE_SIZE in event.changed_settings:
            encoder = self.connection.encoder  # which looks through all that it remembers for each header
            encoder.header_table_size = min(encoder.header_table_size, _TABLE_BYTES)
        if SettingCodes.INITIAL_WINDOW_SIZE in event.changed_settings:
            await self._window_updated(None)

    async def _begin(self, event: RequestReceived) -> None:
        """Begin a stream, or refuse to."""
        asked = {bytes(name): bytes(value) for name, value in event.headers if name[:1] == b":"}
        method = asked.get(b":method", b"")
        if self.context.terminated.is_set():
            self._stop_peer(event.stream_id, ErrorCodes.REFUSED_STREAM)
            self.connection.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 0})
        elif method == b"CONNECT" and asked.get(b":protocol") != b"websocket":
            self._refuse(event.stream_id, 501)
        elif not (_METHOD.fullmatch(method) and _TARGET.fullmatch(asked.get(b":path", b""))):
            self._stop_peer(event.stream_id, ErrorCodes.PROTOCOL_ERROR)
        else:
            await self._create_stream(event)
            await self._tell_idle()
            if self.keep_alive_requests > self.config.keep_alive_max_requests:
                self.connection.close_connection()

    def _refuse(self, stream_id: int, status: int) -> None:
        """Answer what no application is asked for, by a status alone."""
        headers = [(b":status", b"%d" % status), (b"content-length", b"0"), *self.config.response_headers("h2")]
        self.connection.send_headers(stream_id, headers, end_stream=True)
        self._stop_peer(stream_id)

    async def _take_data(self, event: DataReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:  # else its answer is complete already
            await stream.handle(Body(stream_id=event.stream_id, data=event.data))
        self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    async def stream_send(self, event: Any) -> None:
        if not isinstance(event, StreamClosed):
            await super().stream_send(event)
            return
        stream_id = event.stream_id
        stream, buffer = self.streams.get(stream_id), self.stream_buffers.get(stream_id)
        await super().stream_send(event)
        if buffer is None:  # all was sent
            self._stop_peer(stream_id)
        elif isinstance(stream, WSStream):
            buffer.set_complete()
            self.priority.unblock(stream_id)
            await self.has_data.set()
        elif isinstance(buffer, HeldBuffer) and not buffer.ends:  # the application has failed in the midst of it
            self._stop_peer(stream_id, ErrorCodes.INTERNAL_ERROR)
            await self._forget(stream_id)
        await self._flush()

    async def _send_data(self, stream_id: int) -> None:
        buffer = self.stream_buffers.get(stream_id)
        if buffer is None:
            self.priority.remove_stream(stream_id)
            return
        try:
            room = min(self.connection.local_flow_control_window(stream_id), self.connection.max_outbound_frame_size)
            data = await buffer.pop(max(0, room))
            if data:
                self.connection.send_data(stream_id, data)
                self._updates = min(self._updates + _UPDATES_PER_DATA, int(limits.HTTP2_FRAMES_BURST))
            else:
                self.priority.block(stream_id)
            if buffer.complete:
                self.connection.end_stream(stream_id)
                del self.stream_buffers[stream_id]
                self.priority.remove_stream(stream_id)
                if not isinstance(self.streams.get(stream_id), WSStream):  # whose peer is to close it, too
                    self._stop_peer(stream_id)
        except ProtocolError:  # the peer was quicker
            await self._forget(stream_id)
        await self._flush()

    def _stop_peer(self, stream_id: int, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Have the peer send nothing more of a request that is answered (RFC 9113 section 8.1), or that failed."""
        stream = self.connection.streams.get(stream_id)
        if stream is not None and not stream.closed:
            with suppress(ProtocolError):  # the connection is over
                self.connection.reset_stream(stream_id, code)

    async def _forget(self, stream_id: int) -> None:
        """End a stream, to which nothing is sent any more."""
        await self._close_stream(stream_id)
        self.priority.remove_stream(stream_id)
        buffer = self.stream_buffers.pop(stream_id, None)
        if buffer is not None:
            await buffer.close()
