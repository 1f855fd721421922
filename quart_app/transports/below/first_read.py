"""The first bytes of a TCP connection, which tell who serves it.

The opening handshake of a WebSocket (RFC 6455 section 4.2.1) is handed to the application as Hypercorn would do it, but
without what Hypercorn keeps for each connection. Everything else is Hypercorn's, as if it had had it from the start;
so is every handshake that is not as plain as those of browsers and libraries.
"""

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, cast
from urllib.parse import unquote

from wsproto.utilities import generate_accept_token

from quart_app.realtime import Refused, Wheel, encode
from quart_app.realtime.limits import INBOUND_MESSAGE_BYTES
from quart_app.transports.below.addresses import Addresses
from quart_app.transports.below.handshake import Handshake
from quart_app.transports.below.heads import Head, Headers, plain_head
from quart_app.transports.below.http1 import common_lines

_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")  # 16 bytes in base64
_SINGLE: Final = frozenset({b"host", b"upgrade", b"sec-websocket-key", b"sec-websocket-version"})
_TOLD_WITHIN: Final = 2.0  # s that a peer which is refused has to ask for something
_TOLD_AT_ONCE: Final = 64  # of these peers; any other is closed without an answer
_WITH_BODY: Final = frozenset({b"content-length", b"transfer-encoding", b"expect"})

logger = logging.getLogger(__name__)

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Holder(Protocol):
    """The event loop, which keeps hold of the transports that nobody else answers for."""

    def hold(self, transport: asyncio.Transport) -> None:
        """Cut `transport` off at the end, if it is still there."""

    def let_go(self, transport: asyncio.Transport) -> None:
        """Leave `transport` to somebody else."""


class OpenedWebsocket(NamedTuple):
    """A TCP connection whose peer waits for the answer to its opening handshake.

    `unread` is what the peer has sent after that and nobody has used.
    """

    transport: asyncio.Transport
    unread: bytes
    key: bytes
    config: Any

    def answer(self, subprotocol: str | None, extensions: str | None) -> bytes:
        """Return the head that accepts the WebSocket (RFC 6455 section 4.2.2), as Hypercorn writes it."""
        headers: Headers = []
        if subprotocol is not None:
            headers.append((b"sec-websocket-protocol", subprotocol.encode()))
        headers += [(b"sec-websocket-accept", generate_accept_token(self.key))]
        headers += [(b"upgrade", b"WebSocket"), (b"connection", b"Upgrade")]
        if extensions is not None:
            headers.append((b"sec-websocket-extensions", extensions.encode()))
        return _head(101, headers, self.config)


def _head(status: int, headers: Headers, config: Any) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    return b"HTTP/1.1 %d \r\n%b%b\r\n" % (status, lines, common_lines(config))


class Reception:
    """What receives every accepted TCP connection: it counts those of each address, and serves WebSockets by
    `application`, except those of the paths `elsewhere`, or of all paths where this is None.

    `config` is Hypercorn's; `wheel` ends those that say nothing.
    """

    def __init__(
        self,
        application: Application,
        config: Any,
        wheel: Wheel,
        holder: Holder,
        addresses: Addresses,
        elsewhere: Collection[str] | None = (),
    ) -> None:
        self.application = application
        self.config = config
        self.wheel = wheel
        self.holder = holder
        self.addresses = addresses
        self.refused: set[object] = set()
        self.closed = False
        self._elsewhere = elsewhere or ()
        # What Hypercorn does beyond serving, where it is told to, it has to do itself.
        self._plain = elsewhere is not None and not (
            config.accesslog
            or config.statsd_host
            or config.server_names
            or config.max_requests
            or config.websocket_ping_interval
            or config.h11_pass_raw_headers
        )

    def protocol(self, others: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        """Return the protocol of a connection that nobody has read from; `others` makes that of Hypercorn's."""
        return FirstRead(self, others)

    def close(self) -> None:
        """Receive none any more; one that has been accepted and not received yet is cut off."""
        self.closed = True

    @contextmanager
    def handshake(
        self, peername: object, end: Callable[[], object], others: Callable[[], asyncio.Protocol]
    ) -> Iterator[tuple[Callable[[], asyncio.Protocol], float] | None]:
        """Count the TLS handshake with the peer named `peername`, which `end` breaks off, for as long as it takes.

        Give what makes the protocol of the connection, and the seconds that the peer has; None where it has none, as
        too many others are refused at the moment, too.
        """
        handshake = Handshake(self.addresses, peername, end)
        patience = self.config.ssl_handshake_timeout
        try:
            if handshake.refused is None:
                yield partial(FirstRead, self, others, handshake), patience
            elif len(self.refused) >= _TOLD_AT_ONCE:
                yield None
            else:
                self.refused.add(handshake)
                yield partial(FirstRead, self, others, handshake), min(patience, _TOLD_WITHIN)
        finally:
            self.refused.discard(handshake)
            handshake.over()

    def refusal(self, refused: Refused) -> bytes:
        """Return what a peer is answered that is refused before it has said who it is."""
        body = encode({"success": False, "error": refused.data()})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        headers += [(b"retry-after", b"%d" % math.ceil(refused.retry_after or 1)), (b"connection", b"close")]
        return _head(refused.status, headers, self.config) + body

    def scope(self, data: bytes, transport: asyncio.Transport) -> tuple[dict[str, Any], bytes, bytes] | None:
        """Return the ASGI scope of the WebSocket that these first bytes open, its key, and the bytes that follow; None
        where they open none."""
        head = plain_head(data) if self._plain else None
        if head is None or not _opens_websocket(head):
            return None
        path, _, query = head.target.partition(b"?")
        scope = {
            "type": "websocket",
            "asgi": {"spec_version": "2.3", "version": "3.0"},
            "scheme": "ws" if transport.get_extra_info("ssl_object") is None else "wss",
            "http_version": "1.1",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": self.config.root_path,
            "headers": head.headers,
            "client": _address(transport.get_extra_info("peername")),
            "server": _address(transport.get_extra_info("sockname")),
            "state": {},
            "subprotocols": _listed(head.named.get(b"sec-websocket-protocol", b"")),
            "extensions": {"websocket.http.response": {}},
        }
        if scope["path"].rstrip("/") in self._elsewhere:
            return None
        return scope, head.named[b"sec-websocket-key"], data[head.size :]


def _opens_websocket(head: Head) -> bool:
    """Tell whether this is the head of a plain opening handshake."""
    named = head.named
    return (
        head.method == b"GET"
        and named.keys() >= _SINGLE
        and (len(named) == len(head.headers) or all(head.count(name) == 1 for name in _SINGLE))
        and _WITH_BODY.isdisjoint(named)
        and named[b"upgrade"].lower() == b"websocket"
        and "upgrade" in map(str.lower, _listed(named.get(b"connection", b"")))
        and named[b"sec-websocket-version"] == b"13"
        and _KEY.fullmatch(named[b"sec-websocket-key"]) is not None
    )


def _listed(value: bytes) -> list[str]:
    return [part.strip() for part in value.decode("latin-1").split(",") if part.strip()]


def _address(name: Any) -> tuple[str, int] | None:
    return (name[0], name[1]) if isinstance(name, tuple) else None


class FirstRead(asyncio.Protocol):
    """The protocol of a TCP connection, after its TLS `handshake` where there was one, until its first bytes have come,
    or until it is refused."""

    def __init__(
        self, reception: Reception, others: Callable[[], asyncio.Protocol], handshake: Handshake | None = None
    ) -> None:
        self._reception = reception
        self._others = others
        self._handshake = handshake
        self._refused: Refused | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._reception.holder.hold(self._transport)
        if self._reception.closed:
            self._transport.abort()
            return
        if (handshake := self._handshake) is None:
            self._refused = self._reception.addresses.enter(self._transport)
        else:
            handshake.complete(self._transport)
            self._refused, self._handshake = handshake.refused, None
            self._reception.refused.discard(handshake)
        tls = transport.get_extra_info("ssl_object")
        http2 = tls is not None and tls.selected_alpn_protocol() == "h2"
        if self._refused is not None:
            self._wait_to_refuse(http2=http2)
        elif http2:
            self._hand_over()
        else:
            self._reception.wheel.enter(self, self._reception.config.keep_alive_timeout)

    def _wait_to_refuse(self, *, http2: bool) -> None:
        """Wait for something that can be answered; close at once where nothing could be, or too many wait for that."""
        if http2 or len(self._reception.refused) >= _TOLD_AT_ONCE:
            self._transport.abort()
        else:
            self._reception.refused.add(self)
            self._reception.wheel.enter(self, _TOLD_WITHIN)

    def data_received(self, data: bytes) -> None:
        self._reception.wheel.leave(self)
        if self._refused is not None:
            self._transport.write(self._reception.refusal(self._refused))
            self._transport.close()
            return
        opened = self._reception.scope(data, self._transport)
        if opened is None:
            self._hand_over().data_received(data)
        else:
            OpeningHandshake(self._reception, self._transport, *opened)

    def ring(self, now: float) -> None:
        """End a connection on which nobody says anything."""
        self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._reception.wheel.leave(self)
        self._reception.refused.discard(self)
        self._reception.holder.let_go(self._transport)
        self._reception.addresses.leave(self._transport)

    def _hand_over(self) -> asyncio.Protocol:
        protocol = self._others()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._reception.addresses.counted(self._transport):
            lost = partial(_lost, protocol.connection_lost, self._reception.addresses, self._transport)
            protocol.connection_lost = lost  # type: ignore[method-assign]  # ours wraps it
        return protocol


def _lost(lost: Callable[[Any], object], addresses: Addresses, transport: Any, error: Exception | None) -> None:
    addresses.leave(transport)
    lost(error)


class OpeningHandshake(asyncio.Protocol):
    """The opening handshake of one WebSocket, as an ASGI server shows it to its application.

    It ends when the WebSocket is taken, refused with an answer of HTTP, or lost.
    """

    def __init__(
        self, reception: Reception, transport: asyncio.Transport, scope: dict[str, Any], key: bytes, unread: bytes
    ) -> None:
        self._reception = reception
        self._transport: asyncio.Transport | None = transport
        self._held: asyncio.Transport | None = transport
        """The transport for as long as this is its protocol."""
        self._key = key
        self._unread = unread
        self._connected = False
        self._lost = asyncio.Event()
        self._refusal: tuple[int, Headers] | None = None
        self._body = b""
        transport.set_protocol(self)
        self._task = asyncio.create_task(self._serve(scope))

    async def _serve(self, scope: dict[str, Any]) -> None:
        try:
            await self._reception.application(scope, self.receive, self.send)
        except Exception:
            logger.exception("a WebSocket could not be answered")
        if self._transport is not None:
            self._refuse(500, [], b"")

    async def receive(self) -> dict[str, Any]:
        """Return the next event for the application."""
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        await self._lost.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(self, event: Any) -> None:
        """Take the answer of an application that refuses the WebSocket; after the end, do nothing."""
        if self._transport is None:
            return
        match event["type"]:
            case "websocket.http.response.start":
                self._refusal = event["status"], list(event["headers"])
            case "websocket.http.response.body":
                self._body += event.get("body", b"")
                if not event.get("more_body", False) and self._refusal is not None:
                    self._refuse(*self._refusal, self._body)
            case "websocket.close":
                self._refuse(403, [], b"")
            case unexpected:
                raise RuntimeError(f"{unexpected} before the WebSocket was taken")

    def take(self) -> OpenedWebsocket | None:
        """Return the WebSocket, which is then somebody else's; None where its peer is lost."""
        transport, self._transport = self._transport, None
        if transport is None or transport.is_closing():
            return None
        self._let_go()
        return OpenedWebsocket(transport, self._unread, self._key, self._reception.config)

    def _refuse(self, status: int, headers: Headers, body: bytes) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            own = [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
            kept = [(name, value) for name, value in headers if name.lower() not in dict(own)]
            transport.write(_head(status, kept + own, self._reception.config) + body)
            transport.close()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) > INBOUND_MESSAGE_BYTES and self._transport is not None:
            self._transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._reception.addresses.leave(self._held)
        self._let_go()
        self._transport = None
        self._lost.set()

    def _let_go(self) -> None:
        if self._held is not None:
            self._reception.holder.let_go(self._held)
            self._held = None
