"""The lines to peers that deliveries write to; a line may be there for a moment longer than its connection."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from quart_app.realtime import limits


class Line(Protocol):
    """The line to one peer."""

    @property
    def carrier(self) -> object:
        """What carries the line."""

    def drop(self) -> None:
        """Cut the peer off at once, with all that is on its way."""


class Lines:
    """The lines that are there; `on_loss` is told what carried each that is lost."""

    def __init__(self) -> None:
        self._open: set[Line] = set()
        self._empty = asyncio.Event()
        self.on_loss: Callable[[object], object] = lambda _: None

    def enter(self, line: Line) -> None:
        """Count a line that is there from now on."""
        self._open.add(line)

    def leave(self, line: Line) -> None:
        """Count a line that is there no more. Idempotent."""
        self._open.discard(line)
        if not self._open:
            self._empty.set()

    def lost(self, line: Line, carrier: object) -> None:
        """Count a line that is there no more, as what carried it is lost."""
        self.leave(line)
        self.on_loss(carrier)

    def carriers(self) -> Iterator[object]:
        """Return what carries each of them."""
        return (line.carrier for line in tuple(self._open))

    async def gone(self) -> None:
        """Return when all are gone, a moment after their connections; cut off those that stay."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limits.LAST_WORDS):
                while self._open:
                    self._empty.clear()
                    await self._empty.wait()
        for line in list(self._open):
            line.drop()
