"""The opener of a connection, which counts as open only once its first message has come.

Behind a proxy that buffers, a connection seems open and brings nothing. This module decides nothing about what comes
next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from quart_app.client.address import StreamRequest
from quart_app.client.endings import LinkEnded, ending_of_refusal, failed
from quart_app.client.links import Arrival, Dialer, Link
from quart_app.client.messages import Message
from quart_app.client.options import MAX_HELD, Options
from quart_app.wire import Control


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection whose first messages came; `took` is the seconds until then. `held` is what it has brought while
    another one went on."""

    link: Link
    request: StreamRequest
    first: Arrival
    took: float
    held: Sequence[Message] = ()


class Closer:
    """A closer of connections in the background, so that nothing waits for a peer's goodbye."""

    def __init__(self) -> None:
        self._closing: set[asyncio.Task[None]] = set()

    def close(self, link: Link, *, orderly: bool) -> None:
        """Start closing; `orderly` as in `Link.close`."""
        task = asyncio.create_task(link.close(orderly=orderly), name=f"close {link.transport}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def drain(self, patience: float) -> None:
        """Return when all are closed, or after `patience` seconds."""
        if self._closing:
            _, late = await asyncio.wait(self._closing, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


class Opener:
    """The opener of one client's connections."""

    def __init__(self, dialer: Dialer, closer: Closer, options: Options) -> None:
        self._dialer = dialer
        self._closer = closer
        self._options = options

    async def open(self, transport: str, request: StreamRequest) -> Opened:
        """Return the connection once its first message came; raise LinkEnded."""
        clock = self._options.surroundings.time
        began = clock()
        limit = self._options.open_within(transport)
        link: Link | None = None
        try:
            async with asyncio.timeout(limit):
                link = await self._dialer.open(transport, request)
                first = await _first(link)
                return Opened(link, request, first, clock() - began)
        except BaseException as error:
            if link is not None:
                self._closer.close(link, orderly=False)
            if isinstance(error, TimeoutError):
                seen = "no connection" if link is None else "connected, but no first message"
                raise failed(f"{seen} within {limit:g} s") from error
            raise


async def _first(link: Link) -> Arrival:
    messages: list[Message] = []
    while True:
        try:
            arrival = await link.receive()
        except LinkEnded as error:
            # A refused WebSocket gets the reason as an `error` message, then the close code.
            raise LinkEnded(ending_of_refusal(error.ending, messages)) from error
        messages += arrival.messages
        if any(message.get("type") != Control.ERROR for message in arrival.messages):
            return Arrival(messages, arrival.cursor)


class Candidate:
    """A connection that is about to replace another one, and what it has brought meanwhile."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._messages = list(opened.first.messages)
        self._cursor = opened.first.cursor

    @property
    def opened(self) -> Opened:
        """The connection with all that it has brought."""
        return replace(self._opened, first=Arrival(self._messages, self._cursor), held=self._messages)

    async def read_on(self, seconds: float) -> None:
        """Read for so long, or until there are MAX_HELD messages; raise LinkEnded if it does not live so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self._messages) < MAX_HELD:
                    arrival = await self._opened.link.receive()
                    self._messages += arrival.messages
                    self._cursor = arrival.cursor or self._cursor
