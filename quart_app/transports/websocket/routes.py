"""Letting a WebSocket's client in: `/ws/<topic>`, `/ws?topic=…`.

A route lets the client in and accepts; the WebSocket is served after that, in the server's own task, so that nothing of
a request is kept for as long as a connection lasts.
"""

import logging
from typing import Any

from quart import Blueprint
from quart.asgi import ASGIWebsocketConnection
from quart.wrappers import Websocket

from quart_app.context import app
from quart_app.identity import accepted_subprotocol, check_origin
from quart_app.realtime import Refused, message
from quart_app.surroundings import now
from quart_app.transports.below.direct import agree_to, decline_compression, hold_back, unhook
from quart_app.transports.opening import opening, source
from quart_app.transports.websocket.asgi import AsgiWebsocket
from quart_app.transports.websocket.compression import MessageDeflate, answer_to
from quart_app.transports.websocket.served import ServedWebsocket
from quart_app.wire import Close, Control

logger = logging.getLogger(__name__)


class RoutedWebsocket(Websocket):
    """Quart's WebSocket, for as long as its route takes to accept it.

    After that `served` has it, the WebSocket that the route has begun to serve, which talks to `asgi`; None without
    one.
    """

    asgi: AsgiWebsocket
    compressed = False
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
        websocket = self._create_websocket_from_scope(asgi.send_event)
        if not isinstance(websocket, RoutedWebsocket):
            raise TypeError("app.websocket_class has to be a RoutedWebsocket")
        vars(self).pop("queue", None)  # of Quart before 0.23: nothing comes to it, for as long as the connection lasts
        websocket.asgi = asgi
        hold_back(asgi.asgi_send)
        websocket.compressed = self._agree_to_compression(asgi.asgi_send)
        try:
            await self.handle_websocket(websocket, asgi.send_event)
        except BaseException:
            if websocket.served is not None:
                websocket.served.closed()
            raise
        return websocket.served

    async def accept_connection(self, send: Any, headers: Any, subprotocol: str | None) -> None:
        """Accept, and keep Quart from closing the WebSocket when its route is over."""
        await super().accept_connection(send, headers, subprotocol)
        self._closed = True

    def _agree_to_compression(self, send: Any) -> bool:
        """Return whether the peer will read compressed messages."""
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
    """Serve the WebSocket `/ws`."""
    routes.websocket("/ws", defaults={"name": None})(follow_websocket)
    routes.websocket("/ws/<path:name>")(follow_websocket)


async def follow_websocket(name: str | None) -> None:
    """Serve the WebSocket of the topic `name`, of the topics in the query where it is None."""
    websocket = source()
    assert isinstance(websocket, RoutedWebsocket)  # noqa: S101 - create_app sets the class
    try:
        check_origin(app().settings, websocket)
        connection = await app().hub.open(opening("ws", name))
    except Refused as refused:
        await _refuse(websocket, refused)
        return
    except Exception:
        logger.exception("a WebSocket could not be opened")
        await _refuse(websocket, Refused("internal", "something went wrong here", status=500))
        return
    served = ServedWebsocket(app().hub, websocket.asgi, connection, app().settings.peer_timeout)
    try:
        await served.begin(_accept(websocket), direct=app().direct, compressed=websocket.compressed)
    except BaseException:
        served.closed()
        raise
    websocket.served = served


async def _accept(websocket: RoutedWebsocket) -> None:
    chosen = accepted_subprotocol(websocket)
    # Subprotocols may be offered on several header lines (RFC 6455 section 11.3.4); Hypercorn knows the last only.
    await websocket.accept(subprotocol=chosen if chosen in websocket.requested_subprotocols else None)


async def _refuse(websocket: RoutedWebsocket, refused: Refused) -> None:
    """Say why, over an accepted WebSocket: a browser shows its page nothing of a refused one."""
    app().hub.counters.errors[refused.code] += 1
    await _accept(websocket)
    await websocket.asgi.send(message(Control.ERROR, at=now(), data=refused.data()).text)
    await websocket.asgi.close(Close.for_status(refused.status), refused.message)
