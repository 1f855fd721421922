"""Letting a WebSocket's client in: `/ws/<topic>`, `/ws?topic=…`.

A route lets the client in. After that the WebSocket has a socket of its own, over HTTP/1.1, or is served through ASGI
in the server's own task, so that nothing of a request is kept for as long as a connection lasts.
"""

import logging
from typing import Any

from quart import Blueprint
from quart.asgi import ASGIWebsocketConnection
from quart.wrappers import Websocket

from quart_app.context import app, note_refusal
from quart_app.doors import door_of
from quart_app.identity import accepted_subprotocol, check_origin
from quart_app.realtime import Connection, Refused, message
from quart_app.security_log import Act
from quart_app.surroundings import now
from quart_app.transports.below.direct import agree_to, decline_compression, is_over, unhook
from quart_app.transports.below.first_read import OpenedWebsocket
from quart_app.transports.below.http import Received, ReceivedHeaders
from quart_app.transports.below.taking import take_websocket
from quart_app.transports.opening import opening, source
from quart_app.transports.websocket.asgi import AsgiWebsocket
from quart_app.transports.websocket.compression import MessageDeflate, answer_to
from quart_app.transports.websocket.frames import FrameReader, close_frame
from quart_app.transports.websocket.leaving import LeavingWebsocket
from quart_app.transports.websocket.served import ServedWebsocket
from quart_app.transports.websocket.socket import FramedWebsocket
from quart_app.wire import Close, Control

logger = logging.getLogger(__name__)


class RoutedWebsocket(Received, Websocket):
    """Quart's WebSocket, for as long as its route takes to let its client in, who talks to `asgi`.

    After that `served` has it, the WebSocket that ASGI goes on serving; None where there is none, as the WebSocket has
    its own socket then, or was refused.
    """

    asgi: AsgiWebsocket
    served: ServedWebsocket | None = None


class RoutedConnection(ASGIWebsocketConnection):
    """A connection that runs the route in the server's own task, and serves the WebSocket after that."""

    async def __call__(self, receive: Any, send: Any) -> None:
        asgi = AsgiWebsocket(receive, send)
        try:
            served = await self._route(asgi)
            if served is not None:
                await served.run()
            elif self._accepted:
                await asgi.wait_closed()
        finally:
            unhook(send)

    async def _route(self, asgi: AsgiWebsocket) -> ServedWebsocket | None:
        websocket = self._websocket(asgi)
        vars(self).pop("queue", None)  # of Quart before 0.23: nothing comes to it, for as long as the connection lasts
        try:
            await self.handle_websocket(websocket, asgi.send_event)
        except BaseException:
            if websocket.served is not None:
                websocket.served.closed()
            raise
        return websocket.served

    def _websocket(self, asgi: AsgiWebsocket) -> "RoutedWebsocket":
        """Return Quart's WebSocket, with headers that are decoded when somebody asks for them."""
        scope, self.scope = self.scope, {**self.scope, "headers": []}
        try:
            websocket = self._create_websocket_from_scope(asgi.send_event)
        finally:
            self.scope = scope
        assert isinstance(websocket, RoutedWebsocket)  # noqa: S101 - create_app sets the class
        websocket.scope = scope
        websocket.headers = ReceivedHeaders(scope)
        websocket.asgi = asgi
        return websocket

    async def accept_connection(self, send: Any, headers: Any, subprotocol: str | None) -> None:
        """Accept, and keep Quart from closing the WebSocket when its route is over."""
        await super().accept_connection(send, headers, subprotocol)
        self._closed = True


def add_routes(routes: Blueprint) -> None:
    """Serve the WebSocket `/ws`."""
    routes.websocket("/ws", defaults={"name": None})(follow_websocket)
    routes.websocket("/ws/<path:name>")(follow_websocket)


async def follow_websocket(name: str | None) -> None:
    """Serve the WebSocket of the topic `name`, of the topics in the query where it is None."""
    websocket = source()
    assert isinstance(websocket, RoutedWebsocket)  # noqa: S101 - create_app sets the class
    try:
        check_origin(door_of(websocket.scope), websocket)
        connection = await app().hub.open(opening("ws", name))
    except Refused as refused:
        await _refuse(websocket, refused)
        return
    except Exception:
        logger.exception("a WebSocket could not be opened")
        await _refuse(websocket, Refused("internal", "something went wrong here", status=500))
        return
    try:
        await _serve(websocket, connection)
    except BaseException:
        app().hub.closed(connection)
        raise


async def _serve(websocket: RoutedWebsocket, connection: Connection) -> None:
    hub, extensions = app().hub, _extensions(websocket)
    if (opened := _taken(websocket)) is not None:
        socket = FramedWebsocket(hub, connection, opened.transport, compressed=extensions is not None)
        socket.begin(opened.answer(_subprotocol(websocket), extensions), opened.unread)
        return
    compressed = _agree_to(extensions, websocket.asgi.asgi_send)
    await websocket.accept(subprotocol=_subprotocol(websocket))
    if is_over(websocket.asgi.asgi_send):  # its client has left, or has sent something before it was accepted
        hub.closed(connection)
        return
    websocket.served = ServedWebsocket(hub, websocket.asgi, connection, direct=app().direct, compressed=compressed)


def _taken(websocket: RoutedWebsocket) -> OpenedWebsocket | None:
    return take_websocket(websocket.asgi.asgi_send) if app().direct else None


def _subprotocol(websocket: RoutedWebsocket) -> str | None:
    chosen = accepted_subprotocol(websocket)
    # Subprotocols may be offered on several header lines (RFC 6455 section 11.3.4); Hypercorn knows the last only.
    return chosen if chosen in websocket.requested_subprotocols else None


def _extensions(websocket: RoutedWebsocket) -> str | None:
    """Return what to agree to, None for no extension."""
    if not app().settings.compression:
        return None
    return answer_to(websocket.headers.getlist("Sec-WebSocket-Extensions"))


def _agree_to(extensions: str | None, send: Any) -> bool:
    """Return whether the peer will read compressed messages, once Hypercorn has accepted it."""
    if extensions is None:
        decline_compression(send)
        return False
    return agree_to(send, MessageDeflate(), extensions)


async def _refuse(websocket: RoutedWebsocket, refused: Refused) -> None:
    """Say why, over an accepted WebSocket: a browser shows its page nothing of a refused one."""
    app().hub.counters.errors[refused.code] += 1
    topics = ", ".join(websocket.args.getlist("topic"))
    note_refusal(websocket, refused, Act(f"WebSocket {websocket.path}", topics))
    said = message(Control.ERROR, at=now(), data=refused.data())
    code = Close.for_status(refused.status)
    extensions = _extensions(websocket)
    if (opened := _taken(websocket)) is not None:
        last = opened.answer(_subprotocol(websocket), extensions) + said.frame + close_frame(code, refused.message)
        frames = FrameReader(compressed=extensions is not None)
        LeavingWebsocket(app().hub, opened.transport, frames).begin(last)
        return
    _agree_to(extensions, websocket.asgi.asgi_send)
    await websocket.accept(subprotocol=_subprotocol(websocket))
    await websocket.asgi.send(said.text)
    await websocket.asgi.close(code, refused.message)
