"""The backplane, by which processes tell each other the positions of new durable events, and transient events.

One process needs none, so this module has the protocol and one implementation that does nothing.
"""

from collections.abc import Callable
from typing import Protocol

from quart_app.realtime.messages.event import Event


class Backplane(Protocol):
    async def start(self, woken: Callable[[int], None], received: Callable[[Event], None]) -> None:
        """Listen to the others: call `woken(position)` when the log has grown, and `received(event)` for each of their
        transient events."""

    def announce(self, position: int) -> None:
        """Tell the others that the log has grown to `position`, without waiting."""

    def broadcast(self, event: Event) -> None:
        """Pass a transient event on to the others, without waiting."""

    async def stop(self) -> None:
        """Stop listening."""


class InProcess:
    """The backplane of a program that is alone."""

    async def start(self, woken: Callable[[int], None], received: Callable[[Event], None]) -> None:
        pass

    def announce(self, position: int) -> None:
        pass

    def broadcast(self, event: Event) -> None:
        pass

    async def stop(self) -> None:
        pass
