"""What has been received: the cursor, and which durable messages are repeats. Pure; knows one stream at a time.

A cursor is `<epoch>-<position>`, possibly with `.<more>` for a poll; positions grow within an epoch (wire, section 1).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cursor:
    """A parsed cursor. `epoch` names a log, `position` orders its events."""

    epoch: str
    position: int

    @classmethod
    def parse(cls, text: object) -> Cursor | None:
        """Returns the cursor in `text`, or None if it is no `<epoch>-<position>` (such as `0`)."""
        if not isinstance(text, str):
            return None
        epoch, dash, rest = text.partition("-")
        digits = rest.partition(".")[0]
        if not dash or not epoch or not (digits.isascii() and digits.isdigit()):
            return None
        return cls(epoch, int(digits))


def without_more(cursor: str) -> str:
    """Returns a poll's cursor as any transport takes it: without what follows the "."."""
    return cursor.partition(".")[0]


class Ledger:
    """The cursor to come back with, and the counters: `gaps` and `repeats` of durable messages, `dropped` signals."""

    def __init__(self, since: str | None) -> None:
        """`since` is the cursor to start from, None for now."""
        self.cursor = since
        self.gaps = 0
        self.repeats = 0
        self.dropped = 0
        self._newest = Cursor.parse(since)
        self._stream_at: Cursor | None = None
        self._floors: dict[str, Cursor] = {}

    def begin(self, since: str | None) -> None:
        """A new connection, opened with this `since`: what it brings up to our position is overlap, no repeat."""
        self._stream_at = Cursor.parse(since)
        self._floors.clear()

    def advance(self, cursor: str) -> None:
        """Everything up to `cursor` has been received, or was nothing for us."""
        at = Cursor.parse(cursor)
        if at is None:
            return
        newest = self._newest
        if newest is None or newest.epoch != at.epoch or newest.position < at.position:
            self._newest = at
            self.cursor = without_more(cursor)

    def reset(self, cursor: str) -> None:
        """The server cannot honour our cursor: go on from this one, forwards or backwards."""
        self.gaps += 1
        self.cursor = without_more(cursor)
        self._newest = self._stream_at = Cursor.parse(cursor)
        self._floors.clear()

    def snapshot(self, topic: str, cursor: str) -> None:
        """A topic's welcome holds everything up to `cursor`: its older events are contained in it."""
        at = Cursor.parse(cursor)
        if at is not None:
            self._floors[topic] = at

    def admit(self, topic: str, cursor: str) -> bool:
        """Takes a durable message; returns whether it is new. Counts it as a repeat if this very stream went back."""
        at = Cursor.parse(cursor)
        if at is None:
            return True
        if self._has(self._stream_at, at):
            self.repeats += 1
            return False
        self._stream_at = at
        if self._has(self._newest, at):
            return False
        self._newest = at
        self.cursor = without_more(cursor)
        return not self._has(self._floors.get(topic), at)

    @staticmethod
    def _has(known: Cursor | None, at: Cursor) -> bool:
        return known is not None and known.epoch == at.epoch and at.position <= known.position
