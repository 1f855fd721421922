"""The record of what has been received: the cursor to come back with, and which durable messages are repeats.

This module is pure, and knows one stream at a time. Positions grow within an epoch (wire, section 1).
"""

from __future__ import annotations

from collections.abc import Collection

from quart_app.wire import Cursor


def parse(text: object) -> Cursor | None:
    """Return the cursor in `text`, or None if it names no place in a log (such as `0`)."""
    try:
        return Cursor.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None


class Bookmark:
    """The cursor of a client, and its counters: `gaps` and `repeats` of durable messages, `dropped` signals."""

    def __init__(self, since: str | None) -> None:
        """Start from the cursor `since`, None for now."""
        self.gaps = 0
        self.repeats = 0
        self.dropped = 0
        self._since = since
        self._newest = parse(since)
        self._full: Cursor | None = None
        self._stream_at: Cursor | None = None
        self._floors: dict[str, Cursor] = {}
        self._fresh: Collection[str] = ()

    @property
    def cursor(self) -> str | None:
        """The cursor to come back with, as every transport takes it; None before there is one."""
        return self._since if self._newest is None else str(self._newest.plain)

    @property
    def full_cursor(self) -> str | None:
        """The cursor to come back with; a poll's also holds its counts of the signals that were received."""
        return self.cursor if self._full is None else str(self._full)

    def begin(self, since: str | None, fresh: Collection[str] = ()) -> None:
        """Begin a new connection, opened with this `since`: what it brings up to our position is overlap, no repeat.

        Of the `fresh` topics no connection before it brought anything, so that everything is new.
        """
        self._stream_at = parse(since)
        self._fresh = fresh
        self._full = None
        self._floors.clear()

    def advance(self, cursor: str) -> None:
        """Note that everything up to `cursor` has been received, or was nothing for us."""
        at = parse(cursor)
        if at is None:
            return
        if self._newest is None or not self._newest.reaches(at):
            self._newest = at.plain
        self._full = at if at.run and self._newest == at.plain else None

    def reset(self, cursor: str) -> None:
        """Go on from this cursor, forwards or backwards, because the server cannot honour ours."""
        self.gaps += 1
        at = parse(cursor)
        if at is None:
            self._since = cursor
        self._newest = self._stream_at = None if at is None else at.plain
        self._full = None
        self._floors.clear()

    def snapshot(self, topic: str, cursor: str) -> None:
        """Note that a topic's welcome holds everything up to `cursor`, its older events too."""
        at = parse(cursor)
        if at is not None:
            self._floors[topic] = at

    def has(self, cursor: str) -> bool:
        """Return whether everything up to `cursor` has been received."""
        at = parse(cursor)
        return at is not None and _has(self._newest, at)

    def admit(self, topic: str, cursor: str) -> bool:
        """Take a durable message; return whether it is new. It counts as a repeat if this very stream went back."""
        at = parse(cursor)
        if at is None:
            return True
        if _has(self._stream_at, at):
            self.repeats += 1
            return False
        self._stream_at = at
        if _has(self._newest, at):
            return topic in self._fresh and not _has(self._floors.get(topic), at)
        self._newest = at.plain
        self._full = None
        return not _has(self._floors.get(topic), at)


def _has(known: Cursor | None, at: Cursor) -> bool:
    return known is not None and known.reaches(at)
