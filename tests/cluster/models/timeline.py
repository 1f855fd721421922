"""The states that things had, each from one position of the log until the next."""

from bisect import bisect_right
from collections import defaultdict
from typing import Generic, TypeVar

State = TypeVar("State")


class Timeline(Generic[State]):
    """The states of many things by their keys; None is that of a thing that does not exist."""

    def __init__(self) -> None:
        self._positions: dict[object, list[int]] = defaultdict(lambda: [0])
        self._states: dict[object, list[State | None]] = defaultdict(lambda: [None])

    def put(self, key: object, position: int, state: State | None) -> None:
        """Note the state that a thing has from a position on; positions rise."""
        self._positions[key].append(position)
        self._states[key].append(state)

    def now(self, key: object) -> State | None:
        """Return the last state of a thing."""
        return self._states[key][-1] if key in self._states else None

    def during(self, key: object, low: int, high: int) -> list[State | None]:
        """Return the states that a thing had between two positions, both included."""
        positions = self._positions[key]
        return self._states[key][bisect_right(positions, low) - 1 : bisect_right(positions, high)]
