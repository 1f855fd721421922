"""The log of durable events as the engine sees it, and one kept in memory.

Positions are consecutive whole numbers from 1 in the order of commit. Appending is the storage's
business: it happens inside the transaction of the change that the event tells of.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

from quart_app.realtime.flow.terms import Term, Terms
from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.event import Event
from quart_app.surroundings import REAL
from quart_app.wire import Cursor


class Trimmed(Exception):
    """The events that were asked for are no longer in the log; `floor` is the last position that was removed."""

    def __init__(self, floor: int) -> None:
        super().__init__(f"the log was trimmed up to position {floor}")
        self.floor = floor


class EventLog(Protocol):
    terms: Terms

    def cursor(self, position: int) -> Cursor:
        """Return the cursor of `position`, which is not ahead of this log."""

    def goes_on(self, event: Event) -> bool:
        """Return whether an event is of the newest term that is known here; another process may have begun one."""

    def seen(self, position: int) -> None:
        """Note that this process has seen the events up to `position`."""

    async def refusal(self, cursor: Cursor) -> str | None:
        """Return why reading cannot go on after `cursor`, None where it can.

        `unknown_log`: other events than its holder has seen stand in this log. `ahead_of_log`: it has fewer.
        `trimmed`: the events that follow are gone.
        """

    async def head(self) -> int:
        """Return the position of the newest event, 0 in a log that never had one."""

    async def floor(self) -> int:
        """Return the last position that was trimmed, 0 when none was. The events above it are retained."""

    async def read(self, topics: Collection[str] | None, after: int, until: int, limit: int) -> Sequence[Event]:
        """Return the first `limit` events of `topics` (None: of all) with `after` < position ≤ `until`, by position.

        Raise Trimmed where `after` is below the floor, which is decided atomically with the reading; Refused where the
        log cannot be read at the moment.
        """

    async def newest(self, topic: str, until: int, limit: int) -> tuple[Sequence[Event], int]:
        """Return the last `limit` events of `topic` with a position ≤ `until`, by position; and the position above
        which these are all there are."""


class MemoryLog:
    """A log that lives as long as the process: for tests and for the engine on its own."""

    def __init__(self, epoch: str = "memory", *, wall: Callable[[], int] = REAL.wall) -> None:
        """`epoch` names its first term, and `wall()` returns the time of its events (ms since the Unix epoch)."""
        self._wall = wall
        self.terms = Terms([Term(epoch, 0)])
        self._events: list[Event] = []
        self._floor = 0

    def append(self, topic: str, type: str, *, hidden_from: str | None = None, **fields: Any) -> Event:
        """Add one event at the head and return it."""
        head = self._floor + len(self._events)
        self.terms.begin(head)
        event = Event(
            topic,
            type,
            encoding.fields_json(fields),
            self._wall(),
            epoch=self.terms.current,
            position=head + 1,
            hidden_from=hidden_from,
        )
        self._events.append(event)
        return event

    def trim(self, floor: int) -> None:
        """Remove every event up to and including position `floor`."""
        removed = max(0, min(floor - self._floor, len(self._events)))
        del self._events[:removed]
        self._floor += removed

    def cursor(self, position: int) -> Cursor:
        return self.terms.cursor(position)

    def goes_on(self, event: Event) -> bool:
        return self.terms.goes_on(event)

    def seen(self, position: int) -> None:
        """Everything is here."""

    async def refusal(self, cursor: Cursor) -> str | None:
        return self.terms.refusal(cursor, floor=await self.floor(), head=await self.head())

    async def head(self) -> int:
        return self._floor + len(self._events)

    async def floor(self) -> int:
        return self._floor

    async def read(self, topics: Collection[str] | None, after: int, until: int, limit: int) -> Sequence[Event]:
        if after < self._floor:
            raise Trimmed(self._floor)
        wanted: Iterable[Event] = self._events[after - self._floor : max(0, until - self._floor)]
        chosen = [event for event in wanted if topics is None or event.topic in topics]
        return chosen[:limit]

    async def newest(self, topic: str, until: int, limit: int) -> tuple[Sequence[Event], int]:
        events = [event for event in self._events[: max(0, until - self._floor)] if event.topic == topic]
        return events[-limit:], self._floor if len(events) < limit else events[-limit].position - 1
