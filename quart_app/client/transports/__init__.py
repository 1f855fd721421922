"""The network: the three transports, each imported only when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quart_app.client.address import Address, StreamRequest
from quart_app.client.endings import LinkEnded
from quart_app.client.errors import Unreachable
from quart_app.client.links import Link
from quart_app.client.options import Options

if TYPE_CHECKING:
    from quart_app.client.transports.http import Http


class Network:
    """The `Dialer` of real connections, which holds the HTTP connections that they share."""

    def __init__(self, address: Address, options: Options) -> None:
        self._address = address
        self._options = options
        self._http: Http | None = None

    async def open(self, transport: str, request: StreamRequest) -> Link:
        """Return a connection on which no message has come yet; raise LinkEnded, or KeyError for an unknown
        transport."""
        return await {"ws": self._websocket, "sse": self._events, "poll": self._poll}[transport](request)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON that a REST endpoint answers; raise SendRefused for an error, Unreachable for no answer."""
        try:
            return await self.http.call(method, path, body)
        except LinkEnded as error:
            raise Unreachable(error.ending.seen) from error

    async def close(self) -> None:
        """Close the shared HTTP connections."""
        if self._http is not None:
            await self._http.close()

    # The imports are late, so that a program that only offers the client (`envivo serve`) loads none of the libraries.

    @property
    def http(self) -> Http:
        """Return the plain requests to the same server, by the same speaker."""
        if self._http is None:
            from quart_app.client.transports.http import Http

            self._http = Http(self._address, self._options)
        return self._http

    async def _websocket(self, request: StreamRequest) -> Link:
        from quart_app.client.transports.websocket import open_websocket

        return await open_websocket(self._address, request, self._options)

    async def _events(self, request: StreamRequest) -> Link:
        from quart_app.client.transports.sse import open_events

        return await open_events(self.http, request)

    async def _poll(self, request: StreamRequest) -> Link:
        from quart_app.client.transports.polling import PollLink

        return PollLink(self.http, request, self._options)
