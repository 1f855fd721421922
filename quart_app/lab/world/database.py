"""The database of the world: the log and the keys of what was done, which one commit changes together.

It is reached by all nodes and never dies. A node that asks it waits for the way there and back, and may die meanwhile.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from quart_app.realtime import Event, MemoryLog


class RecordedLog(MemoryLog):
    """A log, and the `data` of all that was ever in it: the first has position 1."""

    def __init__(self, wall: Callable[[], int]) -> None:
        super().__init__("e0", wall=wall)
        self.record: list[Any] = []

    def append(self, topic: str, type: str, *, hidden_from: str | None = None, **fields: Any) -> Event:
        """Add an event at the head, and return it."""
        self.record.append(fields.get("data"))
        return super().append(topic, type, hidden_from=hidden_from, **fields)


class Database:
    """The log, and by speaker and key the answers to what was asked for."""

    def __init__(self, wall: Callable[[], int], dice: Random) -> None:
        self.log = RecordedLog(wall)
        self.answers: dict[tuple[str, str], Any] = {}
        self.delay = 0.001, 0.004
        self._dice = dice

    async def way(self) -> None:
        """Take the time of one way to it, or back."""
        await asyncio.sleep(self._dice.uniform(*self.delay))

    async def commit(
        self, speaker: str, key: str | None, change: Callable[[RecordedLog], tuple[Any, list[Event]]]
    ) -> tuple[Any, list[Event]]:
        """Make a change once, and return its answer and its events; none of these where it was made before."""
        await self.way()
        if key is not None and (speaker, key) in self.answers:
            answer = self.answers[speaker, key]
            events: list[Event] = []
        else:
            answer, events = change(self.log)
            if key is not None:
                self.answers[speaker, key] = answer
        await self.way()
        return answer, events
