"""The parser of `text/event-stream` (WHATWG HTML, section 9.2.6). It does no I/O: bytes go in, data come out.

Only the `data` of each event are kept: our events have no names, and their ids are in the data as well.
"""

from __future__ import annotations

import codecs
import re

from quart_app.client.options import MAX_MESSAGE

LINE_END = re.compile(r"\r\n|\n|\r")


class EventTooBig(ValueError):
    """The error of an event that exceeds MAX_MESSAGE."""


class EventStream:
    """A parser that turns the bytes of a stream into the data of its events."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = ""
        self._data: list[str] = []
        self._size = 0
        self._at_start = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[str]:
        """Return the data of the events that `chunk` completes; raise EventTooBig."""
        text = self._decoder.decode(chunk)
        if self._at_start and text:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        if self._after_cr and text:
            # A CR ended the line already; an LF right after the CR belongs to it.
            text = text.removeprefix("\n")
            self._after_cr = False
        self._after_cr = self._after_cr or text.endswith("\r")
        lines = LINE_END.split(self._tail + text)
        self._tail = lines.pop()
        if self._size + len(self._tail) > MAX_MESSAGE:
            raise EventTooBig(f"an event of more than {MAX_MESSAGE} characters")
        return [data for line in lines if (data := self._line(line)) is not None]

    def _line(self, line: str) -> str | None:
        if not line:
            data = "\n".join(self._data) if self._data else None
            self._data.clear()
            self._size = 0
            return data
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
            self._size += len(value) + 1
            if self._size > MAX_MESSAGE:
                raise EventTooBig(f"an event of more than {MAX_MESSAGE} characters")
        return None
