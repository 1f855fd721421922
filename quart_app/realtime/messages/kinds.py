"""The three kinds of topic, by what is kept and what a slow subscriber gets."""

from enum import Enum


class Kind(Enum):
    DURABLE = "durable"
    """Events are in the log and can be replayed; a slow subscriber falls behind and catches up from the log. Signals
    may be broadcast on such a topic too."""
    STATE = "state"
    """The latest value of each key is kept; a new subscriber gets it at once, a slow one gets the latest only."""
    SIGNAL = "signal"
    """Events are not kept; a subscriber that is too slow loses the oldest and is told how many."""
