"""The ASGI side of `/socket.io`: one request or one WebSocket, held to the limits that python-engineio does not know.

This module reads bodies, watches for peers that leave, and makes HTTP/2's WebSockets look as the library expects them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import parse_qs

from quart_app.doors import door_of
from quart_app.identity import cors_headers
from quart_app.realtime import Refused, encode
from quart_app.realtime.limits import BODY_TIMEOUT, INBOUND_MESSAGE_BYTES
from quart_app.transports.below.direct import decline_compression, drop
from quart_app.transports.guards.body import Application, Receive, Send
from quart_app.transports.socketio.server import OPENED, PATH, UNTAKEN, SocketIo
from quart_app.wire import Close

UPGRADE_DEADLINE: Final = 10.0  # s that a WebSocket has to take over from polling
_GONE: Final = {"type": "websocket.disconnect", "code": 1006}
_NOOP: Final = "6"  # ends a poll; the library sends it over the WebSocket that takes over, too
_SEPARATOR: Final = b"\x1e"  # between two packets (Engine.IO 4)
_FROM_CLIENTS: Final = frozenset({b"1", b"3", b"4", b"b"})  # what packets begin with: close, pong, message, binary
_ALLOW: Final = (b"allow", b"GET, OPTIONS, POST")
logger = logging.getLogger(__name__)


class SocketIoEndpoint:
    """ASGI middleware that serves Socket.IO at `/socket.io`, and leaves everything else to `application`."""

    def __init__(self, application: Application, socketio: SocketIo) -> None:
        self._application = application
        self._socketio = socketio

    def __call__(self, scope: Any, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        if scope["type"] == "lifespan" or scope["path"].rstrip("/") != PATH or not self._socketio.topics:
            return self._application(scope, receive, send)
        if scope["type"] == "websocket":
            return _Websocket(self._socketio, scope, receive, send).serve()
        return _Exchange(self._socketio, scope, receive, send).serve()


def _not_engine_io() -> Refused:
    return Refused("bad_request", "this is not Engine.IO 4")


def _engine_id(scope: Any) -> str:
    return _query(scope).get("sid", [""])[0]


def _query(scope: Any) -> dict[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _with_headers(scope: Any, opened: Callable[[str], object], **headers: str) -> dict[str, Any]:
    """Return `scope` with other `headers`, and with the function `opened`, which is told the id of a session that
    begins."""
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    kept = [(name, value) for name, value in scope["headers"] if name.lower() not in named]
    return {**scope, "headers": [*kept, *named.items()], OPENED: opened}


class _Exchange:
    """One HTTP request: a handshake, a poll, or packets of the client."""

    def __init__(self, socketio: SocketIo, scope: Any, receive: Receive, send: Send) -> None:
        self._socketio = socketio
        self._scope = scope
        self._receive = receive
        self._send = send
        self._answered = False
        door = door_of(scope)
        self._cors = cors_headers(door, self._header(b"origin"))
        if door.origins:
            self._cors["Vary"] = "Origin"
        self._patience = socketio.peer_timeout

    def _header(self, name: bytes) -> str | None:
        """Return a header of the request, None where it has none of that `name`."""
        return next((value.decode("latin-1") for known, value in self._scope["headers"] if known.lower() == name), None)

    async def serve(self) -> None:
        method, engine_id = self._scope["method"], _engine_id(self._scope)
        if method not in {"GET", "POST"}:
            await self._answer_without_session(method)
            return
        try:
            body = await self._admit(method, engine_id)
        except Refused as refused:
            self._socketio.note_refusal(self._scope, refused)
            await self._refuse(refused)
            return
        scope = _with_headers(self._scope, lambda _: None, content_length=str(len(body)))

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        # Only a poll is held open, and a client that breaks one off will not come back to its session.
        watcher = asyncio.create_task(self._watch(engine_id)) if method == "GET" and engine_id else None
        if engine_id:
            self._socketio.writing(engine_id, self._send)
        try:
            if await self._relay(method, engine_id, body):
                return
            async with asyncio.timeout(BODY_TIMEOUT if method == "POST" else None):
                await self._socketio.serve(scope, receive, self._answer)
        except Refused as refused:
            await self._refuse(refused)
        except TimeoutError:
            await self._refuse(Refused("too_slow", "these packets took too long", status=503))
        except Exception:
            logger.debug("a request of Socket.IO failed", exc_info=True)
            await self._refuse(_not_engine_io())
        finally:
            self._socketio.written(engine_id, self._send)
            if watcher is not None:
                watcher.cancel()

    async def _relay(self, method: str, engine_id: str, body: bytes) -> bool:
        """Let another node answer where the session is there; return whether it has. Raise Refused."""
        relay = self._socketio.elsewhere
        owner = relay.owner(engine_id)
        if owner is None or _query(self._scope).get("transport") != ["polling"]:
            return False
        answer = await relay.request(owner, method, engine_id, body)
        if answer is None:
            return False
        await self._answer({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await self._answer({"type": "http.response.body", "body": answer.body})
        return True

    async def _answer_without_session(self, method: str) -> None:
        """Answer a method that Engine.IO does not have.

        A preflight request of a listed site is told that it may send the headers of its own that it asks for (Fetch
        standard, CORS protocol); any other method is refused with 405.
        """
        with contextlib.suppress(Refused):  # there is nothing to be said of a body that nobody wants
            await self._body()
        if method != "OPTIONS":
            await self._refuse(Refused("method_not_allowed", "this is for GET and POST", status=405), _ALLOW)
            return
        asked = self._header(b"access-control-request-headers")
        if asked is not None and "Access-Control-Allow-Headers" in self._cors:
            self._cors["Access-Control-Allow-Headers"] = asked
        await self._answer({"type": "http.response.start", "status": 204, "headers": [_ALLOW]})
        await self._answer({"type": "http.response.body", "body": b""})

    async def _admit(self, method: str, engine_id: str) -> bytes:
        """Return the request's body. Raise Refused."""
        if "j" in _query(self._scope):
            # By JSONP a page of any site could read what it must not.
            raise Refused("bad_request", "JSONP is not served", fields={"j": "not to be given"})
        if method == "GET" and not engine_id:
            self._socketio.admit()
        if method != "POST":
            return b""
        socket = self._socketio.socket(engine_id)
        if socket is not None and socket.queue.qsize() > UNTAKEN:
            raise Refused("too_many", "take the answers before you go on", status=429)
        body = await self._body()
        # By a packet of another type the library ends the session, and waits until its client has taken the rest of it.
        if body and not _FROM_CLIENTS.issuperset(packet[:1] for packet in body.split(_SEPARATOR)):
            raise _not_engine_io()
        return body

    async def _body(self) -> bytes:
        body = bytearray()
        size = 0
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                while (event := await self._receive())["type"] == "http.request":
                    size += len(event.get("body", b""))
                    if size <= INBOUND_MESSAGE_BYTES:
                        body += event.get("body", b"")
                    if not event.get("more_body", False):
                        break
        except TimeoutError as error:
            raise Refused("too_slow", "the body did not come in", status=408) from error
        if size > INBOUND_MESSAGE_BYTES:
            raise Refused("too_big", f"at most {INBOUND_MESSAGE_BYTES} bytes at once", status=413)
        return bytes(body)

    async def _watch(self, engine_id: str) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._answered:
            return
        if (owner := self._socketio.elsewhere.owner(engine_id)) is not None:
            await self._socketio.elsewhere.end(owner, engine_id)
        else:
            await self._socketio.end_session(engine_id)

    async def _refuse(self, refused: Refused, *more: tuple[bytes, bytes]) -> None:
        if self._answered:
            return
        headers = [(b"content-type", b"application/json"), *more]
        if refused.retry_after is not None:
            headers.append((b"retry-after", str(round(refused.retry_after)).encode()))
        body = encode({"success": False, "error": refused.data()})
        await self._answer({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self._answer({"type": "http.response.body", "body": body})

    async def _answer(self, event: Any) -> None:
        self._answered = True
        if event["type"] == "http.response.start":
            ours = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **self._cors}
            headers = [(name.lower(), value) for name, value in event["headers"]]
            headers += [(name.lower().encode(), value.encode()) for name, value in ours.items()]
            event = {**event, "headers": headers}
        try:
            async with asyncio.timeout(self._patience):
                await self._send(event)
        except TimeoutError:
            await drop(self._send)
        except OSError:
            pass  # the peer is lost


class _Websocket:
    """One WebSocket: it begins a session, or takes one over from polling."""

    def __init__(self, socketio: SocketIo, scope: Any, receive: Receive, send: Send) -> None:
        self._socketio = socketio
        self._scope = scope
        self._receive = receive
        self._send = send
        self._engine_id = _engine_id(scope)
        self._takes_over = bool(self._engine_id)
        self._open = False

    async def serve(self) -> None:
        decline_compression(self._send)
        # The library looks for the headers Connection and Upgrade, which HTTP/2 does not have (RFC 8441 section 5).
        scope = _with_headers(self._scope, self._opened, connection="Upgrade", upgrade="websocket")
        try:
            self._admit()
        except Refused as refused:
            await self._receive()
            await self._refuse(refused)
            return
        self._opened(self._engine_id)
        try:
            await self._socketio.serve(scope, self._next, self._pass)
        except Exception:
            logger.debug("a WebSocket of Socket.IO failed", exc_info=True)
        finally:
            self._socketio.written(self._engine_id, self._send)
            await self._end()

    async def _refuse(self, refused: Refused) -> None:
        if "websocket.http.response" in self._scope.get("extensions", {}):
            await self._send({"type": "websocket.http.response.start", "status": refused.status, "headers": []})
            await self._send({"type": "websocket.http.response.body", "body": b"", "more_body": False})
        else:
            await self._send({"type": "websocket.close"})

    def _admit(self) -> None:
        """Raise Refused where no session may begin with this WebSocket, and where its session has another one or is on
        another node."""
        socket = self._socketio.socket(self._engine_id)
        if not self._takes_over:
            self._socketio.admit()
        elif socket is not None and (socket.upgraded or socket.upgrading):
            raise Refused("bad_request", "this session has a WebSocket already")
        elif self._socketio.elsewhere.owner(self._engine_id) is not None:
            raise Refused("bad_request", "this session is on another node, and goes on by polling")

    def _opened(self, engine_id: str) -> None:
        if engine_id:
            self._engine_id = engine_id
            self._socketio.writing(engine_id, self._send)

    async def _end(self) -> None:
        socket = self._socketio.socket(self._engine_id)
        if socket is not None and socket.upgraded:
            await self._socketio.end_session(self._engine_id)
        elif socket is not None:
            socket.upgrading = False  # the WebSocket did not take over, and the library would keep polls empty for ever
        if self._open:
            self._open = False
            await self._send({"type": "websocket.close", "code": Close.POLICY})

    async def _next(self) -> Any:
        """Return the peer's next event; a disconnection in its place where the peer is too slow or sends what is not
        taken."""
        socket = self._socketio.socket(self._engine_id)
        if socket is not None and socket.queue.qsize() > UNTAKEN:
            await socket.queue.join()
        waits = UPGRADE_DEADLINE if self._takes_over and socket is not None and not socket.upgraded else None
        try:
            async with asyncio.timeout(waits):
                event = await self._receive()
        except TimeoutError:
            return _GONE
        if event["type"] == "websocket.disconnect":
            self._open = False
        elif event.get("bytes") is not None:
            return _GONE  # no packet that we take is binary
        return event

    async def _pass(self, event: Any) -> None:
        self._open = event["type"] != "websocket.close"
        if event.get("text") != _NOOP:
            await self._send(event)
