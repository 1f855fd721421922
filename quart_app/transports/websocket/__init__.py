"""WebSocket (RFC 6455), over HTTP/1.1 and HTTP/2 (RFC 8441): `/ws/<topic>`, `/ws?topic=…`.

`routes` lets a client in and accepts; `served` is the WebSocket from then on: what it hears goes to the hub, what it
says is carried by `carrier`.
"""

from quart_app.transports.websocket.routes import RoutedConnection, RoutedWebsocket, add_routes, follow_websocket

__all__ = ["RoutedConnection", "RoutedWebsocket", "add_routes", "follow_websocket"]
