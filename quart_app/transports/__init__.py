"""The transports: WebSocket, server-sent events and long poll carry messages to clients, `POST /send` from them.

Each turns the batches of a connection into its protocol and nothing else.
"""

from quart import Blueprint

from quart_app.transports import polling, send, sse, websocket
from quart_app.transports.elsewhere import answer_others

__all__ = ["answer_others", "blueprint"]


def blueprint() -> Blueprint:
    """Return the routes `/ws`, `/sse`, `/poll` and `/send`."""
    routes = Blueprint("transports", __name__)
    for transport in (websocket, sse, polling, send):
        transport.add_routes(routes)
    return routes
