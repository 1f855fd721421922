"""Opens a connection as far as its first message: only that counts as open.

What reads "connected" but brings nothing is how a buffering proxy looks. Decides nothing about what comes next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from quart_app.client.endings import Ending, Kind, LinkEnded
from quart_app.client.messages import Message
from quart_app.client.options import Options
from quart_app.client.session import Opening, refusal
from quart_app.client.transports import Batch, Dialer, Link


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection whose first messages came; `took` is the seconds until then."""

    link: Link
    opening: Opening
    first: Batch
    took: float


class Closer:
    """Closes connections in the background, so that nothing waits for a peer's goodbye."""

    def __init__(self) -> None:
        self._closing: set[asyncio.Task[None]] = set()

    def close(self, link: Link, *, orderly: bool) -> None:
        """Starts closing; `orderly` as in `Link.close`."""
        task = asyncio.create_task(link.close(orderly=orderly), name=f"close {link.transport}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def drain(self, patience: float) -> None:
        """Returns when all are closed, or after `patience` seconds."""
        if self._closing:
            _, late = await asyncio.wait(self._closing, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


class Opener:
    """Opens connections of one client."""

    def __init__(self, dialer: Dialer, closer: Closer, options: Options, clock: Callable[[], float]) -> None:
        self._dialer = dialer
        self._closer = closer
        self._options = options
        self._clock = clock

    async def open(self, transport: str, opening: Opening) -> Opened:
        """Returns the connection once its first message came; raises LinkEnded."""
        began = self._clock()
        limit = self._options.first_message(transport)
        link: Link | None = None
        try:
            async with asyncio.timeout(limit):
                link = await self._dialer.open(transport, opening)
                first = await self._first(link)
                return Opened(link, opening, first, self._clock() - began)
        except BaseException as error:
            if link is not None:
                self._closer.close(link, orderly=False)
            if isinstance(error, TimeoutError):
                seen = "no connection" if link is None else "connected, but no first message"
                raise LinkEnded(Ending(Kind.BLOCKED, f"{seen} within {limit:g} s")) from error
            if isinstance(error, LinkEnded) and error.ending.kind in (Kind.DIED, Kind.SILENT):
                # Cut before its first message: the rung never worked.
                raise LinkEnded(replace(error.ending, kind=Kind.BLOCKED)) from error
            raise

    async def _first(self, link: Link) -> Batch:
        messages: list[Message] = []
        while True:
            try:
                batch = await link.receive()
            except LinkEnded as error:
                # A refused WebSocket gets the reason as an `error` message, then the close code.
                raise LinkEnded(refusal(error.ending, messages)) from error
            messages += batch.messages
            if any(message.get("type") != "error" for message in batch.messages):
                return Batch(messages, batch.cursor)
