"""The one stream that many subscribers have to get, byte for byte. This module is pure.

The subscriber that is ahead extends the stream, and only then its bytes are parsed; the bytes of all others are
compared with it. So each subscriber's completeness and order are checked at the cost of a comparison in memory.
"""

import re
from collections.abc import Callable
from typing import Final


class BenchError(Exception):
    """The error of a measure: something was lost, repeated, out of order or refused, or did not come in time."""


Data = bytes | bytearray
Split = Callable[[Data, int], int]
"""What returns the end of the message that starts at an offset, -1 while it is not whole."""


def frame_end(data: Data, start: int) -> int:
    """Return the end of the unmasked WebSocket frame (RFC 6455 section 5.2) at `start`, -1 while it is not whole."""
    if len(data) < start + 2:
        return -1
    length, head = data[start + 1], 2
    if length >= 126:
        head = 4 if length == 126 else 10
        length = int.from_bytes(data[start + 2 : start + head], "big")
    end = start + head + length
    return end if start + head <= end <= len(data) else -1


def block_end(data: Data, start: int) -> int:
    """Return the end of the server-sent event (WHATWG HTML 9.2.6) at `start`, -1 while it is not whole."""
    found = _BLANK_LINE.search(data, start)
    return -1 if found is None else found.end()


_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


class SharedStream:
    """The stream as far as it has come. A message counts when it holds `mark`, then its number, then `;`.

    `ends[i]` is the offset after the i-th message that counts, `numbers[i]` its number.
    """

    def __init__(self, mark: str, split: Split) -> None:
        self.ends: list[int] = []
        self.numbers: list[int] = []
        self._data = bytearray()
        self._parsed = 0
        self.split = split
        self._mark = re.compile(re.escape(mark.encode()) + rb"(\d+);")

    def take(self, position: int, data: bytes) -> int:
        """Take the `data` that a subscriber at `position` got; return its new position. Raise BenchError if the data
        differ."""
        known = len(self._data) - position
        end = position + len(data)
        if known >= len(data):
            same = self._data.startswith(data, position)
        else:
            same = self._data.endswith(data[:known]) if known else True
            self._data += data[known:]
            self._parse()
        if not same:
            raise BenchError(f"two subscribers got different streams at byte {position}: {data[:200]!r}")
        return end

    def _parse(self) -> None:
        while (end := self.split(self._data, self._parsed)) > 0:
            found = self._mark.search(self._data, self._parsed, end)
            if found:
                self.ends.append(end)
                self.numbers.append(int(found[1]))
            self._parsed = end

    def check(self, count: int, senders: int) -> None:
        """Raise BenchError unless `count` messages came, once each, those of each sender in order.

        The sender `s` of `senders` numbers its messages s, s + senders, s + 2 · senders and so on.
        """
        if len(self.numbers) != count:
            raise BenchError(f"{len(self.numbers)} messages came, and {count} were sent")
        due = list(range(senders))
        for number in self.numbers:
            sender = number % senders
            if number != due[sender]:
                raise BenchError(f"message {number} came, and {due[sender]} was due")
            due[sender] += senders
