"""What happens in a run, event by event: what the picture draws and the checker reads."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


class TooMuch(Exception):
    """A run makes more events than it may."""


class Trace:
    """The events of one run, in order.

    Each has a time `t` (s), a number `n`, a `lane`, and what is done there: `do`. Where it is known, `of` is the number
    of the event that it comes from; the rest are its particulars.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.events: list[dict[str, Any]] = []
        self.sealed = False
        self.most: int | None = None
        """The number of events that a run may have, where that is bounded."""

    def note(self, lane: str, do: str, **particulars: Any) -> int:
        """Note an event, and return its number. Raise TooMuch."""
        number = len(self.events)
        if self.most is not None and number >= self.most:
            raise TooMuch(f"the run makes more than {self.most:,} events")
        if not self.sealed:
            told = {name: value for name, value in particulars.items() if value is not None}
            self.events.append({"t": round(self._clock(), 6), "n": number, "lane": lane, "do": do, **told})
        return number

    def last(self, **particulars: Any) -> int | None:
        """Return the number of the last event that has these particulars."""
        for event in reversed(self.events):
            if all(event.get(name) == value for name, value in particulars.items()):
                return int(event["n"])
        return None

    @property
    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that two runs have in common only where everything in them was the same."""
        digest = hashlib.sha256()
        for event in self.events:
            digest.update(_encode(event))
        return digest.hexdigest()[:16]
