"""What was done to a cluster and what was noticed of it, the newest last; old entries are forgotten."""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final

from quart_app.surroundings import now

_KEPT: Final = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: its number, its time (ms since the Unix epoch), the word of what happened, and what that is about."""

    number: int
    at: int
    word: str
    about: dict[str, str | int]


class Timeline:
    """The last entries. Each word has a text, `cluster.word_…`, with places for what it is about."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._number = 0

    def note(self, word: str, **about: str | int) -> None:
        """Add an entry."""
        self._number += 1
        self._entries.append(Entry(self._number, now(), word, about))

    def told(self) -> list[dict[str, Any]]:
        """Return the entries as JSON has them."""
        return [asdict(entry) for entry in self._entries]
