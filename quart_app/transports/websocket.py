"""WebSocket (RFC 6455), over HTTP/1.1 and HTTP/2 (RFC 8441): `/ws/<topic>`, `/ws?topic=…`.

A route lets the client in and accepts; the conversation goes on after it, in the server's own task, so that nothing of
a request is kept for as long as a connection lasts. A peer that answers no ping, or takes nothing for too long, is
dropped.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from quart import Blueprint
from quart.asgi import ASGIWebsocketConnection
from quart.wrappers import Websocket

from quart_app.identity import accepted_subprotocol, check_origin
from quart_app.realtime.channel import Refused
from quart_app.realtime.connection import Connection
from quart_app.realtime.event import message
from quart_app.realtime.heartbeat import Heartbeat
from quart_app.realtime.hub import Hub
from quart_app.realtime.limits import CLOSE_HANDSHAKE
from quart_app.realtime.subscription import WRITTEN
from quart_app.transports.compression import MessageDeflate, answer_to
from quart_app.transports.direct import (
    Pipe,
    WebsocketWire,
    agree_to,
    decline_compression,
    hear,
    hold_back,
    part,
    pipe_of,
    websocket_wire,
)
from quart_app.transports.handshake import direct, hub, opening, settings, source
from quart_app.transports.http import while_there
from quart_app.wire import Close

logger = logging.getLogger(__name__)

CLOSE_REASON_BYTES = 123  # RFC 6455 section 5.5
ANSWERS_AT_ONCE = 64  # to what comes in one turn of the loop


class Disconnected(Exception):
    """The peer is gone."""


class Peer:
    """The other end of a WebSocket, through ASGI. `gone`: the server has said so, or nobody listens to it any more."""

    __slots__ = ("asgi_receive", "asgi_send", "gone", "send_event")

    def __init__(self, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        self.asgi_receive = receive
        self.send_event = while_there(send)
        self.asgi_send = send
        self.gone = False

    async def receive(self) -> str | bytes:
        """The next message. Raises Disconnected."""
        while True:
            data = self.payload(await self.asgi_receive())
            if data is not None:
                return data

    def payload(self, event: Any) -> str | bytes | None:
        """What an event of ASGI brings. Raises Disconnected."""
        if event["type"] == "websocket.disconnect":
            self.gone = True
            raise Disconnected
        if event["type"] != "websocket.receive":
            return None
        text: str | None = event.get("text")
        return text if text is not None else event.get("bytes") or b""

    async def send(self, text: str) -> None:
        await self.send_event({"type": "websocket.send", "bytes": None, "text": text})

    async def close(self, code: Close, reason: str) -> None:
        """Send a close frame; after the end, a no-op."""
        if not self.gone:
            short = reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")
            await self.send_event({"type": "websocket.close", "code": code, "reason": short})

    async def closed(self) -> None:
        """Give the peer a bounded time to answer our close frame: to leave at once could lose it, to wait for ever
        would keep the dead."""
        with contextlib.suppress(TimeoutError, Disconnected):
            async with asyncio.timeout(CLOSE_HANDSHAKE):
                while not self.gone:
                    await self.receive()


class RoutedWebsocket(Websocket):
    """Quart's WebSocket, as long as its route takes to accept it. What comes after is between the `peer` and the
    `conversation` that the route has begun, if any."""

    peer: Peer
    compressed = False
    conversation: "Conversation | None" = None


class RoutedConnection(ASGIWebsocketConnection):
    """Runs the route in the server's own task, and then the conversation."""

    async def __call__(self, receive: Any, send: Any) -> None:
        peer = Peer(receive, send)
        try:
            conversation = await self._route(peer)
            if conversation is not None:
                await conversation.run()
            elif self._accepted:
                await peer.closed()
        finally:
            part(send)

    async def _route(self, peer: Peer) -> "Conversation | None":
        websocket = self._create_websocket_from_scope(peer.send_event)
        if not isinstance(websocket, RoutedWebsocket):
            raise TypeError("app.websocket_class has to be a RoutedWebsocket")
        vars(self).pop("queue", None)  # of Quart before 0.23: nothing comes to it, for as long as the connection lasts
        websocket.peer = peer
        hold_back(peer.asgi_send)
        websocket.compressed = self._agree_to_compression(peer.asgi_send)
        try:
            await self.handle_websocket(websocket, peer.send_event)
        except BaseException:
            if websocket.conversation is not None:
                websocket.conversation.abandon()
            raise
        return websocket.conversation

    async def accept_connection(self, send: Any, headers: Any, subprotocol: str | None) -> None:
        """Accept; from here on it is not Quart's to close, which would when the route is over."""
        await super().accept_connection(send, headers, subprotocol)
        self._closed = True

    def _agree_to_compression(self, send: Any) -> bool:
        """Whether the peer will read compressed messages."""
        answer = None
        if self.app.settings.compression:  # type: ignore[attr-defined]  # the app is an EnVivo
            headers = self.scope["headers"]
            answer = answer_to(
                value.decode("latin-1") for name, value in headers if name == b"sec-websocket-extensions"
            )
        if answer is None:
            decline_compression(send)
            return False
        return agree_to(send, MessageDeflate(), answer)


def add_routes(routes: Blueprint) -> None:
    """The WebSocket `/ws`."""
    routes.websocket("/ws", defaults={"name": None})(follow_websocket)
    routes.websocket("/ws/<path:name>")(follow_websocket)


async def follow_websocket(name: str | None) -> None:
    """The WebSocket of the topic `name`, of those in the query where it is None."""
    websocket = source()
    assert isinstance(websocket, RoutedWebsocket)  # noqa: S101 - create_app sets the class
    try:
        check_origin(settings(), websocket)
        connection = await hub().open(opening("ws", name))
    except Refused as refused:
        await _refuse(websocket, refused)
        return
    except Exception:
        logger.exception("a WebSocket could not be opened")
        await _refuse(websocket, Refused("internal", "something went wrong here", status=500))
        return
    conversation = Conversation(hub(), websocket.peer, connection, settings().peer_timeout)
    try:
        await conversation.begin(_accept(websocket), direct=direct(), compressed=websocket.compressed)
    except BaseException:
        conversation.abandon()
        raise
    websocket.conversation = conversation


async def _accept(websocket: RoutedWebsocket) -> None:
    chosen = accepted_subprotocol(websocket)
    # They may be offered on several header lines (RFC 6455 section 11.3.4), of which Hypercorn knows the last.
    await websocket.accept(subprotocol=chosen if chosen in websocket.requested_subprotocols else None)


async def _refuse(websocket: RoutedWebsocket, refused: Refused) -> None:
    """Say why, over an accepted WebSocket: a browser shows its page nothing of a refused one."""
    hub().counters.errors[refused.code] += 1
    await _accept(websocket)
    await websocket.peer.send(message("error", data=refused.data()).text)
    await websocket.peer.close(Close.for_status(refused.status), refused.message)


class Conversation:
    """An accepted WebSocket and its connection, until one of them ends."""

    __slots__ = (
        "_compressed", "_connection", "_direct", "_gone", "_hears", "_hub", "_loop", "_open", "_peer", "_peer_timeout",
        "_pinged_at", "_pipe", "_task", "_wire", "_writing_since",
    )  # fmt: skip

    def __init__(self, hub: Hub, peer: Peer, connection: Connection, peer_timeout: float) -> None:
        self._hub = hub
        self._peer = peer
        self._connection = connection
        self._peer_timeout = peer_timeout
        self._loop = asyncio.get_running_loop()
        self._wire: WebsocketWire | None = None
        self._pipe: Pipe | None = None
        self._direct = self._compressed = self._hears = False
        self._open = True
        self._gone: asyncio.Event | None = None
        self._writing_since: float | None = None
        self._pinged_at: float | None = None
        self._task = asyncio.current_task()

    async def begin(self, accept: Awaitable[None], *, direct: bool, compressed: bool) -> None:
        """Have the WebSocket accepted, and listen from then on."""
        self._direct, self._compressed = direct, compressed
        send = self._peer.asgi_send
        self._hears = direct and hear(send, self._peer.asgi_receive, self._hear)
        await accept
        self._wire = wire = websocket_wire(send)
        if wire is not None:
            wire.ponged = self._connection.heard
            self._connection.ping = self._ping
        if direct and (pipe := pipe_of(send)) is not None:
            self._pipe = pipe
            self._connection.subscription.outlet.open(pipe.push, "deflated_frames" if compressed else "frames")

    def abandon(self) -> None:
        """It will not be run."""
        self._open = False
        self._peer.gone = True
        self._hub.close(self._connection)

    async def run(self) -> None:
        """To the end."""
        try:
            await self._converse()
            if (ending := self._connection.ending) is not None:
                with contextlib.suppress(TimeoutError):  # of a peer that takes nothing
                    async with asyncio.timeout(CLOSE_HANDSHAKE):
                        await self._peer.close(ending.code, ending.reason)
        finally:
            self._hub.close(self._connection)
        await self._closed()

    async def _converse(self) -> None:
        outlet = self._connection.subscription.outlet
        heartbeat = Heartbeat(self._hub.heartbeat, self._beat, lambda: outlet.written_at)
        reader = None if self._hears else asyncio.create_task(self._read())
        try:
            await self._write(heartbeat)
        except Exception:
            logger.exception("a WebSocket failed")
            self._connection.end(Close.INTERNAL_ERROR, "something went wrong here")
        finally:
            heartbeat.stop()
            self._open = False
            self._connection.ping = None
            if reader is not None:
                reader.cancel()
                await asyncio.wait([reader])

    async def _closed(self) -> None:
        if not self._hears:
            await self._peer.closed()
        elif not self._peer.gone:
            self._gone = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), CLOSE_HANDSHAKE)

    async def _write(self, heartbeat: Heartbeat) -> None:
        wire = self._wire if self._direct else None
        outlet = self._connection.subscription.outlet
        while (batch := await self._connection.read()) is not None:
            self._writing_since = self._loop.time()
            if batch is WRITTEN and self._pipe is not None:
                await self._pipe.drain()
            elif wire is not None:
                frames = batch.deflated_frames if self._compressed else batch.frames
                outlet.count(len(batch.messages), len(frames))
                del batch  # a peer that stalls here is to hold the bytes alone, not the events too
                await wire.send(frames)
                del frames
            else:
                outlet.count(len(batch.messages), sum(len(outgoing.json) for outgoing in batch.messages))
                texts = [outgoing.text for outgoing in batch.messages]
                del batch
                for text in texts:
                    await self._peer.send(text)
                del texts
            self._writing_since = None
            heartbeat.sent()

    async def _read(self) -> None:
        try:
            while self._connection.ending is None:
                await self._receive(await self._peer.receive())
        except Disconnected:
            self._lost()

    async def _hear(self, event: Any) -> None:
        """What the server gets from the peer, as soon as it does."""
        try:
            data = self._peer.payload(event)
        except Disconnected:
            self._lost()
            if self._gone is not None:
                self._gone.set()
        else:
            if data is not None and self._open and self._connection.ending is None:
                await self._receive(data)
                # What else the server has read already comes without a turn of the loop, in which answers go out.
                if self._connection.subscription.owes >= ANSWERS_AT_ONCE:
                    await asyncio.sleep(0)

    async def _receive(self, data: str | bytes) -> None:
        try:
            await self._connection.receive(data)
        except Exception:
            logger.exception("reading from a WebSocket failed")
            self._connection.end(Close.INTERNAL_ERROR, "something went wrong here")

    def _lost(self) -> None:
        code = self._wire.close_code if self._wire is not None else None
        # What else a peer may have put there is its own.
        ending = Close(code) if code in {Close.NORMAL, Close.GOING_AWAY} else Close.GONE
        self._connection.end(ending, "the client is gone", orderly=ending is Close.NORMAL)

    def _beat(self) -> None:
        """Nothing went out for a while: the peer is stalled, or there was nothing to say."""
        now = self._loop.time()
        if self._writing_since is not None:
            self._pinged_at = None
            if now - self._writing_since > self._peer_timeout:
                self._drop("it took nothing for too long")
        elif self._pinged_at is not None and self._wire is not None and self._wire.heard_at < self._pinged_at:
            self._drop("it answers no ping")
        else:
            self._connection.heartbeat()
            if self._wire is not None:
                self._pinged_at = now
                self._ping()

    def _ping(self) -> None:
        if self._wire is not None:
            self._connection.pinged_at = perf_counter()
            self._hub.spawn(self._wire.ping())

    def _drop(self, reason: str) -> None:
        self._connection.end(Close.TOO_SLOW, reason)
        if self._writing_since is not None and self._task is not None:
            # The close frame would have to wait behind what the peer does not take.
            if self._wire is not None:
                self._wire.abort()
            self._task.cancel()
