"""The verdict: what was acknowledged is seen by every reader exactly once, in the order of the log.

This module is pure. Each writer numbers its messages 1, 2, 3 …, one after the other: the next is written when the one
before was acknowledged. So a reader that gets number 5 of a writer after number 3 misses number 4, and memory is needed
only for what is not settled: acknowledged, and seen by all readers.
"""

from dataclasses import dataclass, field
from typing import Any, Final

UNSETTLED: Final = 5_000
"""Messages that may be unsettled at a time; writers wait while there are more."""
_SKIPPED: Final = 10_000  # numbers that a reader misses and that are remembered, should they come late


@dataclass(slots=True)
class Pause:
    """The time since something happened last, and the longest such time; seconds of a clock that never goes back."""

    last: float
    longest: float = 0.0

    def ended(self, now: float) -> float:
        """Note that it has happened; return how long it had not."""
        lasted = now - self.last
        self.longest = max(self.longest, lasted)
        self.last = now
        return lasted

    def told(self, now: float) -> dict[str, float]:
        """Return the longest pause and the present one."""
        present = now - self.last
        return {"longest": round(max(self.longest, present), 2), "present": round(present, 2)}


@dataclass(slots=True)
class Reader:
    """What a reader has seen, and what is wrong with that."""

    pause: Pause
    position: int = 0
    seen: int = 0
    missing: int = 0
    twice: int = 0
    disordered: int = 0
    signals: int = 0
    told_lost: int = 0
    """Signals that the server has told it does not get."""
    resets: int = 0
    newest: dict[int, int] = field(default_factory=dict)
    skipped: set[tuple[int, int]] = field(default_factory=set)

    @property
    def wrong(self) -> int:
        """How many messages it has not got as was promised."""
        return self.missing + self.twice + self.disordered + self.resets


@dataclass(slots=True)
class _Unsettled:
    position: int
    known_to: set[str]


class Ledger:
    """The account of all writers and readers."""

    def __init__(self, readers: tuple[str, ...], now: float) -> None:
        self.readers = {name: Reader(Pause(now)) for name in readers}
        self.written = 0
        self.acknowledged = 0
        self.repeated = 0
        self.signals = 0
        self.pause = Pause(now)
        self._unsettled: dict[tuple[int, int], _Unsettled] = {}

    @property
    def is_full(self) -> bool:
        """Whether writers are to wait."""
        return len(self._unsettled) >= UNSETTLED

    @property
    def unsettled(self) -> int:
        """How many messages are known to some, and not to all."""
        return len(self._unsettled)

    @property
    def wrong(self) -> int:
        """How many times a promise was broken."""
        return sum(reader.wrong for reader in self.readers.values())

    def acknowledge(self, writer: int, number: int, position: int, now: float) -> None:
        """Note that the log has a message at a position."""
        self.acknowledged += 1
        self.pause.ended(now)
        if not self._settle("", (writer, number), position):
            for reader in self.readers.values():  # the log has it elsewhere than a reader was told
                reader.disordered += 1

    def see(self, name: str, writer: int, number: int, position: int, now: float) -> float:
        """Note that a reader got a message at a position; return how long it had got none."""
        reader, message = self.readers[name], (writer, number)
        paused = reader.pause.ended(now)
        newest = reader.newest.get(writer, 0)
        if number <= newest:
            if message not in reader.skipped:
                reader.twice += 1
                return paused
            reader.skipped.discard(message)
            reader.missing -= 1
            reader.disordered += 1
            reader.seen += 1
            return paused
        self._skip(reader, name, writer, range(newest + 1, number))
        reader.newest[writer] = number
        if position <= reader.position:
            reader.disordered += 1
        reader.seen += 1
        reader.position = max(reader.position, position)
        if not self._settle(name, message, position):
            reader.disordered += 1
        return paused

    def _skip(self, reader: Reader, name: str, writer: int, numbers: range) -> None:
        reader.missing += len(numbers)
        for number in numbers[-_SKIPPED:]:
            if len(reader.skipped) < _SKIPPED:
                reader.skipped.add((writer, number))
            if (writer, number) in self._unsettled:
                self._settle(name, (writer, number), self._unsettled[writer, number].position)

    def _settle(self, who: str, message: tuple[int, int], position: int) -> bool:
        """Note who knows a message; return whether all know it at the same position."""
        entry = self._unsettled.setdefault(message, _Unsettled(position, set()))
        entry.known_to.add(who)
        if len(entry.known_to) > len(self.readers):
            del self._unsettled[message]
        return entry.position == position

    def told(self, now: float) -> dict[str, Any]:
        """Return the account as JSON has it."""
        return {
            "written": self.written,
            "acknowledged": self.acknowledged,
            "repeated": self.repeated,
            "signals": self.signals,
            "pause": self.pause.told(now),
            "unsettled": self.unsettled,
            "wrong": self.wrong,
            "readers": {
                name: {
                    "seen": reader.seen,
                    "awaited": max(0, self.acknowledged - reader.seen - reader.missing),
                    "missing": reader.missing,
                    "twice": reader.twice,
                    "disordered": reader.disordered,
                    "resets": reader.resets,
                    "signals": reader.signals,
                    "told_lost": reader.told_lost,
                    "pause": reader.pause.told(now),
                }
                for name, reader in self.readers.items()
            },
        }
