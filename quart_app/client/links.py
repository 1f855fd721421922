"""The interface of transports to the client: links that bring arrivals, and a dialer that opens links.

A transport turns its protocol into messages and a `LinkEnding`, and nothing else: no retry, no topics, no bookkeeping.
The real ones are in `transports`; a simulation brings its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from quart_app.client.address import StreamRequest
from quart_app.client.endings import LinkEnding
from quart_app.client.messages import Message


@dataclass(frozen=True, slots=True)
class Arrival:
    """Messages that came together; `cursor` is where the stream stands once they are taken, None where that was not
    told."""

    messages: list[Message]
    cursor: str | None = None


class Link(Protocol):
    """One connection. Every method raises LinkEnded when the connection is over."""

    @property
    def transport(self) -> str:
        """The name of the transport: ws, sse or poll."""

    @property
    def takes_subscriptions(self) -> bool:
        """Tell whether `subscribe` and `unsubscribe` can be sent; else the connection is opened anew with other
        topics."""

    @property
    def quiet(self) -> float | None:
        """The seconds without an arrival that mean the connection is dead; None where the heartbeat announces them."""

    async def receive(self) -> Arrival:
        """Return the next messages (possibly none); wait for them. A wait that is cancelled loses none."""

    async def send(self, topic: str, message: Message) -> list[Message] | None:
        """Send a message to a topic; return the replies, None where they come by `receive`.

        Raise SendRefused, Postponed and ServerFailed too, and RequestFailed where only the sending failed.
        """

    async def close(self, *, orderly: bool) -> None:
        """End the connection; `orderly` tells the server that the user left, rather than the network."""


class Dialer(Protocol):
    """A dialer opens connections of any transport to one server."""

    async def open(self, transport: str, request: StreamRequest) -> Link:
        """Return a connection on which no message has come yet; raise LinkEnded."""

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON that a REST endpoint answers; raise SendRefused for an error, Unreachable for no answer."""

    async def close(self) -> None:
        """Close what the connections share."""


class Postponed(Exception):
    """The error of a message that the server cannot take now; `retry_after` is in seconds, None where it does not
    say."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


class ServerFailed(Exception):
    """The error of a server that failed by no fault of the message; `code` and `message` are its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RequestFailed(Exception):
    """The error of a request beside the stream without an answer of our server; the stream may be well all the same."""

    def __init__(self, ending: LinkEnding) -> None:
        """Hold the `ending`, which tells what was seen."""
        super().__init__(ending.seen)
        self.ending = ending
