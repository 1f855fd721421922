"""Notice of every request: whoever has sent one is no peer that holds a connection and says nothing."""

from collections.abc import Coroutine
from typing import Any

from quart_app.transports.below.addresses import Addresses
from quart_app.transports.guards.body import Application, Receive, Send


class Heard:
    """ASGI middleware that tells `addresses` of every request and every WebSocket."""

    def __init__(self, application: Application, addresses: Addresses) -> None:
        self._application = application
        self._addresses = addresses

    def __call__(self, scope: Any, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        self._addresses.heard(scope.get("client"))
        return self._application(scope, receive, send)
