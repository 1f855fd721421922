"""What a transport is to the client: links that bring arrivals, and a dialer that opens links.

A transport turns its protocol into messages and an `Ending`, and nothing else: no retry, no topics, no bookkeeping. The
real ones are in `transports`; a simulation brings its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from quart_app.client.address import StreamRequest
from quart_app.client.endings import Ending
from quart_app.client.messages import Message


@dataclass(frozen=True, slots=True)
class Arrival:
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
        """Seconds without an arrival that mean it is dead; None: as the heartbeat announces."""

    async def receive(self) -> Arrival:
        """Return the next messages (possibly none); wait for them. A wait that is cancelled loses none."""

    async def send(self, topic: str, message: Message) -> list[Message] | None:
        """Send; return the replies, None where they come by `receive`.

        Raise SendRefused, Postponed and ServerFailed too, and RequestFailed where only the sending failed.
        """

    async def close(self, *, orderly: bool) -> None:
        """End it; `orderly` tells the server that the user left, rather than the network."""


class Dialer(Protocol):
    """Opens connections of any transport to one server."""

    async def open(self, transport: str, request: StreamRequest) -> Link:
        """Return a connection on which no message has come yet; raise LinkEnded."""

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON a REST endpoint answers; raise SendRefused for an error, Unreachable for no answer."""

    async def close(self) -> None:
        """Give up what the connections share."""


class Postponed(Exception):
    """The server cannot take a message now; `retry_after` seconds, None where it does not say."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


class ServerFailed(Exception):
    """Our server answered that it failed, by no fault of the message: `code` and `message` are its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RequestFailed(Exception):
    """A request beside the stream got no answer of our server; the stream may be as well as before."""

    def __init__(self, ending: Ending) -> None:
        """`ending` tells what was seen."""
        super().__init__(ending.seen)
        self.ending = ending
