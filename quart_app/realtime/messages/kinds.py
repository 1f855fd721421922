"""The three kinds of topic, by what is kept and what a slow subscriber gets."""

from enum import Enum


class Kind(Enum):
    DURABLE = "durable"
    """In the log, replayable; who is slow falls behind and catches up from the log. Signals may
    be broadcast on such a topic too."""
    STATE = "state"
    """The latest value per key; a new subscriber gets it at once, a slow one the latest only."""
    SIGNAL = "signal"
    """Not kept; who is too slow loses the oldest and is told how many."""
