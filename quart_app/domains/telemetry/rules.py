"""What a reading may be: names, ranges, times; and how many are kept.

The functions are pure. What a value means for the people at the reservoir is the alerting's affair.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

RESERVOIR_ID: Final = r"^[A-Za-z0-9_-]{1,40}(?!\n)$"  # `$` alone would let a line break follow in Python
RESERVOIR_ID_CHARACTERS: Final = 40
RESERVOIRS: Final = 1_000  # distinct ones, as many as the state topic holds values
HISTORY_LIMIT: Final = 1_000  # readings in one answer
HISTORY_DEFAULT: Final = 200
LONGEST_STEP: Final = 600  # s between two readings of a history that is thinned

READINGS_KEPT: Final = 1_000_000  # rows
READINGS_AGE: Final = 30 * 24 * 3_600_000  # ms
TRIM_EVERY: Final = 100  # readings stored between two trims
TRIM_BATCH: Final = 2_000  # rows deleted at once; more than come in between, so a trim always catches up

BATCH: Final = 1_000  # readings in one request
FUTURE: Final = 5 * 60_000  # ms that a device's clock may be ahead

_LAST_MS: Final = 253_402_300_799_999  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a measure may have, both ends included; they are kept with `decimals` digits."""

    low: float
    high: float
    decimals: int

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


MEASURES: Final = {
    "temperature": Range(-50, 100, 2),  # °C
    "ph": Range(0, 14, 2),
    "conductivity": Range(0, 100_000, 1),  # µS/cm
    "water_level": Range(0, 100, 2),  # % of the capacity
}

Measures = dict[str, float]
"""A value for each of `MEASURES`."""


def rounded(measures: Measures) -> Measures:
    """Return the values as they are kept and shown."""
    return {name: round(measures[name], allowed.decimals) for name, allowed in MEASURES.items()}


def moment(text: str) -> int:
    """Return the time that `text` spells, in ms since the Unix epoch.

    It is ISO 8601 (UTC where it names no zone) or ms since the Unix epoch. Raise ValueError for anything else.
    """
    if text.isascii() and text.isdigit():
        at = int(text[:20])
    else:
        time = datetime.fromisoformat(text)
        at = math.floor((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    if not 0 <= at <= _LAST_MS:
        raise ValueError(f"{text[:40]!r} is before 1970 or after 9999")
    return at
