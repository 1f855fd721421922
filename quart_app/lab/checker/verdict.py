"""What a rule says of a run."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

MOST_SHOWN: Final = 6
"""The most events of a counter-example."""


class State(Enum):
    """What is known of a rule."""

    HOLDS = "holds"
    OPEN = "open"
    BROKEN = "broken"


@dataclass(frozen=True)
class Breach:
    """A counter-example: why the rule is broken, which names a sentence; what it is filled with, and the events that
    show it, by their numbers."""

    why: str
    values: dict[str, Any]
    events: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """What a rule says: of so many messages or other things, which of them are still open, and the counter-example."""

    rule: str
    state: State
    looked_at: int
    waits_for: tuple[str, ...] = field(default=())
    breach: Breach | None = None
