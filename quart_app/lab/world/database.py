"""The database of the world: the log and the keys of what was done, which one commit changes together.

It is reached by all nodes. A node that asks it waits for the way there and back, and may die meanwhile. What is written
outlives every process; a power cut takes what was not flushed.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from quart_app.lab.world.leases import LeaseTable
from quart_app.realtime import Event, Leading, MemoryLog, not_leading


class RecordedLog(MemoryLog):
    """A log, and the `data` of all that was ever in it: the first has position 1."""

    def __init__(self, wall: Callable[[], int]) -> None:
        super().__init__("e0", wall=wall)
        self.record: list[Any] = []

    def append(self, topic: str, type: str, *, hidden_from: str | None = None, **fields: Any) -> Event:
        """Add an event at the head, and return it."""
        self.record.append(fields.get("data"))
        return super().append(topic, type, hidden_from=hidden_from, **fields)

    def forget(self, after: int) -> range:
        """Lose all events above a position, and return the positions of what was lost."""
        head = len(self.record)
        del self.record[max(after, self._floor) :]
        del self._events[max(0, after - self._floor) :]
        return range(len(self.record) + 1, head + 1)


class Database:
    """The log, and by speaker and key the answers to what was asked for."""

    def __init__(self, wall: Callable[[], int], dice: Random) -> None:
        self.log = RecordedLog(wall)
        self.answers: dict[tuple[str, str], Any] = {}
        self.flushed = 0
        """The position up to which nothing can be lost."""
        self._unflushed: list[tuple[str, str]] = []
        """Whose answers can be lost, by speaker and key."""
        self.leases = LeaseTable()
        self.delay = 0.001, 0.004
        self._dice = dice

    async def way(self) -> None:
        """Take the time of one way to it, or back."""
        await asyncio.sleep(self._dice.uniform(*self.delay))

    def flush(self) -> None:
        """Put all that is written where no power cut reaches it."""
        self.flushed = len(self.log.record)
        self._unflushed.clear()

    def lose_power(self) -> range:
        """Lose what was not flushed, and return the positions that it had."""
        for asked in self._unflushed:
            del self.answers[asked]
        self._unflushed.clear()
        return self.log.forget(self.flushed)

    async def commit(
        self,
        speaker: str,
        key: str | None,
        change: Callable[[RecordedLog], tuple[Any, list[Event]]],
        *,
        flush: bool = True,
        work_of: Leading | None = None,
    ) -> tuple[Any, list[Event]]:
        """Make a change once, and return its answer and its events; none of these where it was made before. It is seen
        by others once it is flushed, or at once where it is not to be. `work_of` is the lease that it is done by. Raise
        Refused (`not_leading`) where that has another term by now."""
        await self.way()
        if key is not None and (speaker, key) in self.answers:
            answer = self.answers[speaker, key]
            events: list[Event] = []
        elif work_of is not None and not self.leases.is_led(work_of):
            await self.way()
            raise not_leading()
        else:
            answer, events = change(self.log)
            if key is not None:
                self.answers[speaker, key] = answer
                self._unflushed.append((speaker, key))
        if flush:
            self.flush()
        await self.way()
        return answer, events
