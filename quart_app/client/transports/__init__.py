"""The three transports behind one small interface, each imported only when it is first used.

A transport turns its protocol into batches of messages and an `Ending`, and nothing else: no retry, no topics, no
bookkeeping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from quart_app.client.address import Address
from quart_app.client.endings import Ending, LinkEnded
from quart_app.client.errors import Unreachable
from quart_app.client.messages import Message
from quart_app.client.options import Options
from quart_app.client.session import Opening

if TYPE_CHECKING:
    from quart_app.client.transports.http import Http


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that came together; `cursor` is where the stream stands once they are taken, if it was told."""

    messages: list[Message]
    cursor: str | None = None


class Link(Protocol):
    """One connection. Every method raises LinkEnded when it is over."""

    @property
    def transport(self) -> str:
        """Its name: ws, sse or poll."""

    @property
    def takes_subscriptions(self) -> bool:
        """Whether `subscribe` and `unsubscribe` can be sent; else the connection is opened anew with other topics."""

    @property
    def quiet(self) -> float | None:
        """Seconds without a batch that mean it is dead; None: as the heartbeat announces."""

    async def receive(self) -> Batch:
        """Returns the next messages (possibly none); waits for them."""

    async def send(self, topic: str, message: Message) -> list[Message] | None:
        """Sends; returns the replies, None where they come by `receive`.

        Raises SendRefused and Postponed too, and RequestFailed where only the sending failed.
        """

    async def close(self, *, orderly: bool) -> None:
        """Ends it; `orderly` tells the server that the user left, rather than the network."""


class Postponed(Exception):
    """The server cannot take a message now; `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"busy for {retry_after:g} s")
        self.retry_after = retry_after


class RequestFailed(Exception):
    """A request beside the stream got no answer; the stream may be as well as before. `ending` tells what was seen."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.seen)
        self.ending = ending


class Dialer:
    """Opens connections of any transport to one server; holds the HTTP connections they share."""

    def __init__(self, address: Address, options: Options) -> None:
        self._address = address
        self._options = options
        self._http: Http | None = None

    async def open(self, transport: str, opening: Opening) -> Link:
        """Returns a connection on which no message has come yet; raises LinkEnded, or KeyError for no transport."""
        return await {"ws": self._websocket, "sse": self._events, "poll": self._poll}[transport](opening)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Returns the JSON a REST endpoint answers; raises SendRefused for an error, Unreachable for no answer."""
        try:
            return await self.http.call(method, path, body)
        except LinkEnded as error:
            raise Unreachable(error.ending.seen) from error

    async def close(self) -> None:
        """Gives up the shared HTTP connections."""
        if self._http is not None:
            await self._http.close()

    # Imported late, so that a program that only offers the client (`envivo serve`) pays for none of the libraries.

    @property
    def http(self) -> Http:
        """Plain requests to the same server, by the same speaker."""
        if self._http is None:
            from quart_app.client.transports.http import Http

            self._http = Http(self._address, self._options.tls)
        return self._http

    async def _websocket(self, opening: Opening) -> Link:
        from quart_app.client.transports.websocket import open_websocket

        return await open_websocket(self._address, opening, self._options.tls)

    async def _events(self, opening: Opening) -> Link:
        from quart_app.client.transports.sse import open_events

        return await open_events(self.http, opening)

    async def _poll(self, opening: Opening) -> Link:
        from quart_app.client.transports.polling import PollLink

        return PollLink(self.http, opening, self._options.poll_wait)
