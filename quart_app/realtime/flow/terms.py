"""The terms of a log: the names by which a cursor tells which history its position belongs to.

Every start of a program opens a term of its own with its first event. So two files that go on from one copy, or a
restored file and the one it replaces, number other events alike but name them by other terms.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from quart_app.realtime import limits
from quart_app.realtime.messages.event import Event
from quart_app.wire import Cursor


class Term(NamedTuple):
    """The events that follow position `after`, until the next term begins."""

    name: str
    after: int


class Terms:
    """The terms `known`, one at least and the oldest first.

    `coming` names the term that the next event begins, None where that event belongs to the newest one.
    """

    __slots__ = ("_afters", "_names", "coming")

    def __init__(self, known: Iterable[Term], coming: str | None = None) -> None:
        self._names: list[str] = []
        self._afters: list[int] = []
        for term in known:
            self._names.append(term.name)
            self._afters.append(term.after)
        self.coming = coming

    @property
    def newest(self) -> str:
        """The name of the newest known term."""
        return self._names[-1]

    @property
    def current(self) -> str:
        """The name of the term that the next event belongs to."""
        return self.coming or self.newest

    def goes_on(self, event: Event) -> bool:
        """Return whether an event is of the newest known term."""
        return event.cursor is not None and event.cursor.startswith(f"{self._names[-1]}-")

    def begin(self, after: int) -> None:
        """Count the coming term among the known ones: its first event follows position `after`."""
        if self.coming is not None:
            self._names.append(self.coming)
            self._afters.append(after)
            self.coming = None
            if len(self._names) > limits.TERMS:
                del self._names[0], self._afters[0]

    def cursor(self, position: int) -> Cursor:
        """Return the cursor of `position`. It names the term that the event there belongs to.

        A term without an event is therefore never named, and costs nobody who stands at the head a reset.
        """
        return Cursor(self._names[max(0, bisect_left(self._afters, position) - 1)], position)

    def refusal(self, cursor: Cursor, *, floor: int, head: int) -> str | None:
        """Return why nobody can go on from `cursor` in a log that retains the events above `floor` up to `head`, None
        where one can: this log has that term, and has it up to that position."""
        shared = self.shared(cursor, head)
        if shared is None:
            return "unknown_log"
        if cursor.position > shared:
            return "ahead_of_log" if cursor.position > head else "unknown_log"
        return "trimmed" if cursor.position < floor else None

    def shared(self, cursor: Cursor, head: int) -> int | None:
        """Return up to which position the holder of `cursor` has seen what this log has, whose newest event is at
        `head`; None where that cannot be told."""
        if cursor.epoch not in self._names:
            return None
        index = self._names.index(cursor.epoch)
        end = head if index + 1 == len(self._names) else self._afters[index + 1]
        return min(cursor.position, end)
