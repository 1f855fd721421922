"""WebSocket (RFC 6455), over HTTP/1.1 and HTTP/2 (RFC 8441): `/ws/<topic>`, `/ws?topic=…`.

A task reads, the handler writes. A peer that answers no ping, or takes nothing for too long, is
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
from quart_app.realtime.codes import Close
from quart_app.realtime.connection import Connection
from quart_app.realtime.event import message
from quart_app.realtime.heartbeat import Heartbeat
from quart_app.realtime.limits import CLOSE_HANDSHAKE
from quart_app.realtime.subscription import WRITTEN
from quart_app.transports.compression import MessageDeflate, answer_to
from quart_app.transports.direct import (
    Pipe,
    WebsocketWire,
    agree_to,
    decline_compression,
    hold_back,
    pipe_of,
    websocket_wire,
)
from quart_app.transports.handshake import direct, hub, opening, settings, source
from quart_app.transports.http import while_there

logger = logging.getLogger(__name__)

CLOSE_REASON_BYTES = 123  # RFC 6455 section 5.5


class Disconnected(Exception):
    """The peer is gone."""


class PulledWebsocket(Websocket):
    """Quart's WebSocket, whose `receive` asks the server for the next frame when it wants one.

    Quart's own puts frames into a queue without a bound; here the server's bounded one holds the
    peer back. `receive` raises Disconnected.
    """

    pull: Callable[[], Awaitable[Any]]
    asgi_send: Callable[[Any], Awaitable[None]]
    compressed = False
    gone = False

    async def receive(self) -> str | bytes:
        while True:
            event = await self.pull()
            if event["type"] == "websocket.receive":
                text: str | None = event.get("text")
                return text if text is not None else event.get("bytes") or b""
            if event["type"] == "websocket.disconnect":
                self.gone = True
                raise Disconnected


class PulledWebsocketConnection(ASGIWebsocketConnection):
    """Runs the handler in the server's own task, and gives the peer a bounded time to answer our
    close frame: to leave at once could lose it, to wait for ever would keep the dead."""

    async def __call__(self, receive: Any, send: Any) -> None:
        sending = while_there(send)
        websocket = self._create_websocket_from_scope(sending)
        if not isinstance(websocket, PulledWebsocket):
            raise TypeError("app.websocket_class has to be a PulledWebsocket")
        websocket.pull = receive
        websocket.asgi_send = send
        hold_back(send)
        websocket.compressed = self._agree_to_compression(send)
        await self.handle_websocket(websocket, sending)
        if self._accepted and not websocket.gone:
            with contextlib.suppress(TimeoutError, Disconnected):
                async with asyncio.timeout(CLOSE_HANDSHAKE):
                    while True:
                        await websocket.receive()

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
    assert isinstance(websocket, PulledWebsocket)  # noqa: S101 - create_app sets the class
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
    try:
        await _accept(websocket)
        await _Conversation(websocket, connection).run()
    except Exception:
        logger.exception("a WebSocket failed")
        await _close(websocket, Close.INTERNAL_ERROR, "something went wrong here")
    finally:
        hub().close(connection)


async def _accept(websocket: PulledWebsocket) -> None:
    chosen = accepted_subprotocol(websocket)
    # They may be offered on several header lines (RFC 6455 section 11.3.4), of which Hypercorn knows the last.
    await websocket.accept(subprotocol=chosen if chosen in websocket.requested_subprotocols else None)


async def _refuse(websocket: PulledWebsocket, refused: Refused) -> None:
    """Say why, over an accepted WebSocket: a browser shows its page nothing of a refused one."""
    hub().counters.errors[refused.code] += 1
    await _accept(websocket)
    await websocket.send(message("error", data=refused.data()).text)
    await _close(websocket, Close.for_status(refused.status), refused.message)


async def _close(websocket: PulledWebsocket, code: Close, reason: str) -> None:
    if not websocket.gone:
        short = reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")
        await websocket.close(code, short)


class _Conversation:
    """An accepted WebSocket and its connection, until one of them ends."""

    def __init__(self, websocket: PulledWebsocket, connection: Connection) -> None:
        self._websocket = websocket
        self._connection = connection
        self._wire: WebsocketWire | None = websocket_wire(websocket.asgi_send)
        self._direct = direct()
        self._pipe: Pipe | None = pipe_of(websocket.asgi_send) if self._direct else None
        self._loop = asyncio.get_running_loop()
        self._writing_since: float | None = None
        self._pinged_at: float | None = None
        self._peer_timeout = settings().peer_timeout
        self._task = asyncio.current_task()

    async def run(self) -> None:
        connection, outlet = self._connection, self._connection.subscription.outlet
        heartbeat = Heartbeat(hub().heartbeat, self._beat, lambda: outlet.written_at)
        if self._pipe is not None:
            outlet.open(self._pipe.push, "deflated_frames" if self._websocket.compressed else "frames")
        if (wire := self._wire) is not None:
            wire.ponged = connection.heard
            connection.ping = self._ping
        reader = asyncio.create_task(self._read())
        try:
            await self._write(heartbeat)
        finally:
            heartbeat.stop()
            reader.cancel()
            await asyncio.wait([reader])
        ending = self._connection.ending
        if ending is not None:
            await _close(self._websocket, ending.code, ending.reason)

    async def _write(self, heartbeat: Heartbeat) -> None:
        wire = self._wire if self._direct else None
        compressed, outlet = self._websocket.compressed, self._connection.subscription.outlet
        while (batch := await self._connection.read()) is not None:
            self._writing_since = self._loop.time()
            if batch is WRITTEN and self._pipe is not None:
                await self._pipe.drain()
            elif wire is not None:
                frames = batch.deflated_frames if compressed else batch.frames
                outlet.count(len(batch.messages), len(frames))
                del batch  # a peer that stalls here is to hold the bytes alone, not the events too
                await wire.send(frames)
                del frames
            else:
                outlet.count(len(batch.messages), sum(len(outgoing.json) for outgoing in batch.messages))
                texts = [outgoing.text for outgoing in batch.messages]
                del batch
                for text in texts:
                    await self._websocket.send(text)
                del texts
            self._writing_since = None
            heartbeat.sent()

    async def _read(self) -> None:
        try:
            while self._connection.ending is None:
                await self._connection.receive(await self._websocket.receive())
        except Disconnected:
            code = self._wire.close_code if self._wire is not None else None
            # What else a peer may have put there is its own.
            ending = Close(code) if code in {Close.NORMAL, Close.GOING_AWAY} else Close.GONE
            self._connection.end(ending, "the client is gone", orderly=ending is Close.NORMAL)
        except Exception:
            logger.exception("reading from a WebSocket failed")
            self._connection.end(Close.INTERNAL_ERROR, "something went wrong here")

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
            hub().spawn(self._wire.ping())

    def _drop(self, reason: str) -> None:
        self._connection.end(Close.TOO_SLOW, reason)
        if self._writing_since is not None and self._task is not None:
            # The close frame would have to wait behind what the peer does not take.
            if self._wire is not None:
                self._wire.abort()
            self._task.cancel()
