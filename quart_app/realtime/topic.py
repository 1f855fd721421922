"""Topic names, and the three kinds of topic by what is kept and what a slow subscriber gets."""

import re
from enum import Enum

from quart_app.realtime.limits import TOPIC_NAME_CHARACTERS


class Kind(Enum):
    DURABLE = "durable"
    """In the log, replayable; who is slow falls behind and catches up from the log. Signals may
    be broadcast on such a topic too."""
    STATE = "state"
    """The latest value per key; a new subscriber gets it at once, a slow one the latest only."""
    SIGNAL = "signal"
    """Not kept; who is too slow loses the oldest and is told how many."""


_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.\-]+"  # addresses lose the segments . and .. on their way (RFC 3986 5.2.4)
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")


def is_topic_name(name: str) -> bool:
    """Segments of letters, digits, `_`, `.`, `-`, but not `.` and `..`, joined by `/`, 128 characters at most."""
    return len(name) <= TOPIC_NAME_CHARACTERS and _NAME.fullmatch(name) is not None
