"""Let Socket.IO clients in, send them what their topics bring, and send them away.

python-socketio keeps what a client has not taken in a queue without a bound. Nothing is read for a client before that
queue is empty, so that a slow one falls behind in the log, as on every other transport, and holds no events here.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from engineio.async_socket import AsyncSocket
from engineio.exceptions import SocketIsClosedError
from engineio.packet import NOOP, Packet
from socketio import AsyncServer
from socketio.exceptions import ConnectionRefusedError as ConnectRefused

from quart_app.doors import client_address, door_of, is_loopback
from quart_app.identity import Identification, check_origin
from quart_app.realtime import Connection, Hub, Identity, Opening, Refused, message
from quart_app.realtime.limits import (
    BATCH_EVENTS,
    BODY_TIMEOUT,
    CONNECTIONS,
    INBOUND_MESSAGE_BYTES,
    REPLY_BACKLOG,
    SILENT_PER_ADDRESS,
)
from quart_app.security_log import Act, SecurityLog, Whence
from quart_app.surroundings import now
from quart_app.transports.below.direct import drop
from quart_app.transports.guards.body import Send
from quart_app.transports.socketio.credentials import Credentials
from quart_app.transports.socketio.packets import Packets, TextPacket
from quart_app.transports.socketio.relay import Answer, Relay
from quart_app.wire import Close, Control

PATH: Final = "/socket.io"
# Acknowledgements, which the library queues itself, count too; a client that has not taken so many is not read from.
UNTAKEN: Final = BATCH_EVENTS + REPLY_BACKLOG  # packets
CONNECT_DEADLINE: Final = 20.0  # s that a client has to connect in, after its handshake
BYE_DEADLINE: Final = 1.0  # s that a client has to take its last messages
OPENED: Final = "envivo.opened"  # key in the scope of a handshake: the function that is told the id of the session

_NAMESPACE = "/"
_ONLY_LISTENS = (
    "Socket.IO clients listen here and may send `ping`; what changes something is a POST to the REST interface "
    "(see /docs), or a message over a WebSocket at /ws/<topic>"
)
_COME_BACK = frozenset({429, 503})

logger = logging.getLogger(__name__)
# The library logs every client that breaks off or sends nonsense as an error, with a traceback.
library_logger = logging.getLogger(f"{__name__}.library")
library_logger.setLevel(logging.CRITICAL)


class _Stalled(Exception):
    """The client has taken nothing for too long."""


@dataclass(eq=False, slots=True)
class _Client:
    connection: Connection
    socket: AsyncSocket
    cursors: bool
    task: asyncio.Task[None] | None = None


class SocketIo:
    """The Socket.IO server, which sends every client those of `topics` that it may follow; without topics none is
    served."""

    def __init__(
        self,
        hub: Hub,
        identification: Identification,
        security: SecurityLog,
        *,
        heartbeat: float,
        peer_timeout: float,
    ) -> None:
        self.topics: tuple[str, ...] = ()
        self.peer_timeout = peer_timeout
        self._hub = hub
        self._identification = identification
        self._security = security
        self._server = AsyncServer(
            async_mode="asgi",
            serializer=TextPacket,
            async_handlers=False,  # one packet after another: a client that sends too much is held back
            logger=library_logger,
            engineio_logger=library_logger,
            ping_interval=_ping_interval(heartbeat),
            ping_timeout=peer_timeout,
            max_http_buffer_size=INBOUND_MESSAGE_BYTES,
            http_compression=False,
            cors_allowed_origins=[],  # the origins are checked by our own rules, the same as everywhere
        )
        self._open_engine: Callable[[str, Any], Awaitable[object]] = self._server.eio.handlers["connect"]
        self._server.eio.on("connect", self._opened)
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnected)
        self._server.on("*", self._said)
        self._clients: dict[str, _Client] = {}
        self._unknown: defaultdict[str, dict[str, None]] = defaultdict(dict)
        """The sessions of which nobody knows yet whose they are, oldest first, by the address of their client."""
        self._sends: defaultdict[str, set[Send]] = defaultdict(set)
        self._packets = Packets()
        self._new_id: Callable[[], str] = self._server.eio.generate_id
        self._server.eio.generate_id = lambda: hub.backplane.tag + self._new_id()  # others can tell by it where it is
        self.elsewhere = Relay(hub, self)

    async def serve(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        """Serve one request or WebSocket of Engine.IO."""
        await self._server.handle_request(scope, receive, send)

    def socket(self, engine_id: str) -> AsyncSocket | None:
        """Return the Engine.IO session of that id, None where there is none."""
        return self._server.eio.sockets.get(engine_id)

    def admit(self) -> None:
        """Raise Refused where no further session is taken."""
        if self._hub.draining:
            raise Refused("going_away", "the server is stopping", status=503, retry_after=1.0)
        if len(self._server.eio.sockets) >= CONNECTIONS:
            raise Refused("too_many", "the server is full", status=503, retry_after=5.0)

    def note_refusal(self, scope: Mapping[str, Any], refused: Refused, auth: object = None) -> None:
        """Tell the security log that a client, whose CONNECT packet carries `auth`, was refused."""

        def whom() -> Identity | None:
            return self._identification.known(Credentials.read(scope, auth), tickets=True)

        self._security.refused(refused, Whence.of(scope), whom, Act("Socket.IO"))

    def writing(self, engine_id: str, send: Send) -> None:
        """Note that `send` goes to the peer of that session, until `written`."""
        self._sends[engine_id].add(send)

    def written(self, engine_id: str, send: Send) -> None:
        sends = self._sends.get(engine_id, set())
        sends.discard(send)
        if not sends:
            self._sends.pop(engine_id, None)

    async def end_session(self, engine_id: str) -> None:
        """End the session of that id, whose peer is gone."""
        if (socket := self.socket(engine_id)) is not None:
            await _close(socket, abort=True)

    # Sessions, for clients that poll by way of other nodes

    def knows(self, engine_id: str) -> bool:
        """Tell whether a session is here."""
        return engine_id in self._server.eio.sockets

    async def perform(self, method: str, engine_id: str, body: bytes) -> Answer:
        """Do what a request asks for in a session that is here."""
        socket = self.socket(engine_id)
        if method == "POST" and socket is not None and socket.queue.qsize() > UNTAKEN:
            return Answer(429, [], b"")
        answer = Answer(400, [], b"")

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: dict[str, Any]) -> None:
            nonlocal answer
            if event["type"] == "http.response.start":
                answer = Answer(event["status"], list(event["headers"]), b"")
            else:
                answer = answer._replace(body=answer.body + event.get("body", b""))

        query = urlencode({"EIO": "4", "transport": "polling", "sid": engine_id}).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        scope = {"type": "http", "method": method, "path": PATH, "query_string": query, "headers": headers}
        try:
            async with asyncio.timeout(BODY_TIMEOUT if method == "POST" else None):
                await self.serve(scope, receive, send)
        except TimeoutError:
            return Answer(503, [], b"")
        except Exception:
            logger.debug("a request of Socket.IO failed", exc_info=True)
        return answer

    async def release(self, engine_id: str) -> None:
        """Let the poll of a session be answered now, if with nothing."""
        if (socket := self.socket(engine_id)) is not None and not socket.closing:
            await socket.queue.put(Packet(NOOP))

    async def stop(self) -> None:
        """End the clients that are left, and the library's tasks."""
        tasks = [client.task for client in self._clients.values() if client.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.elsewhere.stop()
        await self._server.shutdown()

    # What the library calls

    async def _opened(self, engine_id: str, environ: dict[str, Any]) -> object:
        """Take note of an Engine.IO session that has begun, and give it some time to connect in.

        Where too many of an address have not connected yet, the oldest of these is closed.
        """
        scope = environ["asgi.scope"]
        scope[OPENED](engine_id)
        address = client_address(scope)
        asyncio.get_running_loop().call_later(CONNECT_DEADLINE, self._expect, address, engine_id)
        if not is_loopback(address):
            unknown = self._unknown[address]
            unknown[engine_id] = None
            if len(unknown) > SILENT_PER_ADDRESS:
                self._expect(address, next(iter(unknown)))
        return await self._open_engine(engine_id, environ)

    def _expect(self, address: str, engine_id: str) -> None:
        """Close a session in which nobody has connected."""
        self._known(address, engine_id)
        socket = self.socket(engine_id)
        if socket is not None and engine_id not in self._clients:
            self._hub.spawn(_close(socket))

    def _known(self, address: str, engine_id: str) -> None:
        """Note that it is known whose a session is, or that it is over."""
        if unknown := self._unknown.get(address):
            unknown.pop(engine_id, None)
            if not unknown:
                del self._unknown[address]

    async def _connect(self, id: str, environ: dict[str, Any], auth: object) -> None:
        """Let a client in. Raise ConnectRefused, which the client gets as `connect_error`."""
        engine_id: str = self._server.manager.eio_sid_from_sid(id, _NAMESPACE)
        socket = self.socket(engine_id)
        try:
            credentials = Credentials.read(environ["asgi.scope"], auth)
            door = door_of(credentials.scope)
            check_origin(door, credentials)
            identity = self._identification.identify(credentials, tickets=True)
            opening = Opening(
                identity,
                await self._topics_for(identity),
                "socketio",
                credentials.args.get("since") or None,
                agent=credentials.agent,
                door=door.name,
                address=client_address(credentials.scope),
            )
            connection = await self._hub.open(opening)
        except Refused as refused:
            self.note_refusal(environ["asgi.scope"], refused, auth)
            if refused.status in _COME_BACK and socket is not None:
                # A client that is refused here stays away for good; one whose transport fails comes back by itself.
                self._hub.spawn(_close(socket))
            raise ConnectRefused(refused.message, refused.data()) from refused
        except Exception as error:
            logger.exception("a Socket.IO client could not be let in")
            raise ConnectRefused("something went wrong here", {"code": "internal"}) from error
        if socket is None or socket.closing:
            self._hub.closed(connection)
            raise ConnectRefused("it is gone")
        self._clients[engine_id] = client = _Client(connection, socket, credentials.cursors)
        self._known(connection.address, engine_id)
        # The task begins after this handler, when the library has said CONNECT.
        client.task = asyncio.create_task(self._follow(engine_id, client), name="socketio")

    async def _topics_for(self, identity: Identity) -> tuple[str, ...]:
        """Return those of the topics that `identity` may follow: nobody here could ask for fewer. Raise Refused."""
        refusals: dict[str, Refused] = {}
        for topic in self.topics:
            try:
                await self._hub.channels.authorize(identity, topic)
            except Refused as refused:
                refusals[topic] = refused
        if len(refusals) == len(self.topics):
            raise refusals[self.topics[0]]
        return tuple(topic for topic in self.topics if topic not in refusals)

    async def _disconnected(self, id: str, reason: str) -> None:
        engine_id: str = self._server.manager.eio_sid_from_sid(id, _NAMESPACE)
        client = self._clients.pop(engine_id, None)
        if client is None:
            return
        orderly = reason == self._server.reason.CLIENT_DISCONNECT
        self._hub.closed(client.connection, orderly=orderly)
        if client.task is not None and client.task is not asyncio.current_task():
            client.task.cancel()
        if not client.socket.closed:
            self._hub.spawn(_close(client.socket))

    async def _said(self, event: str, id: str, *_: object) -> dict[str, Any] | None:
        """Act on an event that a client sends; what is returned goes to a client that asked for an acknowledgement."""
        client = self._clients.get(self._server.manager.eio_sid_from_sid(id, _NAMESPACE))
        if client is None:
            return None
        connection = client.connection
        # Nothing of it is used but its type, and the limits count it as a message like any other.
        frame = '{"type":"ping"}' if event == "ping" else "{}"
        if event == "ping":
            self._hub.receive(connection, frame)
            return None
        if not self._hub.admit(connection, frame):
            return None
        data = Refused("unknown_type", _ONLY_LISTENS).data()
        connection.reply(message(Control.ERROR, at=now(), data=data))
        return data

    # What a client gets

    async def _follow(self, engine_id: str, client: _Client) -> None:
        """Send what the client's connection brings, until that ends or the client is gone."""
        try:
            await self._forward(client)
        except SocketIsClosedError:
            pass  # the client is gone
        except _Stalled:
            client.connection.end(Close.TOO_SLOW, "it took nothing for too long")
            for send in tuple(self._sends.get(engine_id, ())):
                await drop(send)
        except Exception:
            logger.exception("a Socket.IO client could not be sent to")
        finally:
            self._hub.closed(client.connection)
        await _close(client.socket)

    async def _forward(self, client: _Client) -> None:
        """Send batch after batch, until the connection ends. Raise SocketIsClosedError and _Stalled."""
        while (batch := await client.connection.read()) is not None:
            packets, size = self._packets.of(batch, cursors=client.cursors)
            client.connection.count(len(batch.messages), size)
            del batch
            for packet in packets:
                await client.socket.send(packet)
            del packets
            await self._taken(client)

    async def _taken(self, client: _Client) -> None:
        """Wait until the client has taken what it was sent.

        Raise _Stalled when that takes too long; once the client's connection has ended, that is soon.
        """
        clock = asyncio.get_running_loop().time
        gives_up = clock() + self.peer_timeout
        while True:
            try:
                return await asyncio.wait_for(client.socket.queue.join(), BYE_DEADLINE)
            except TimeoutError as error:
                if not client.connection.alive or clock() >= gives_up:
                    raise _Stalled from error


def _ping_interval(heartbeat: float) -> tuple[float, float]:
    """Return the seconds between two pings, and the seconds that are added in what clients are told.

    The library tells clients whole seconds, rounded down, so that without this they would expect pings too soon.
    """
    return heartbeat, 1.0 if heartbeat % 1 else 0.0


async def _close(socket: AsyncSocket, *, abort: bool = False) -> None:
    """End a session in a way that brings its client back: a client that is told DISCONNECT stays away."""
    with contextlib.suppress(SocketIsClosedError):
        await socket.close(wait=False, abort=abort)
    # At this the library's writer closes the WebSocket; it would wait for the peer to do so.
    socket.queue.put_nowait(None)
