"""Dice with names: what one of them shows does not depend on how often the others were thrown.

So a run with another strategy has the same weather, and one fault more does not move the others.
"""

from random import Random


class Dice:
    """The dice of one run."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dice: dict[str, Random] = {}

    def of(self, name: str) -> Random:
        """Return the die of this name, as it was left."""
        die = self._dice.get(name)
        if die is None:
            die = self._dice[name] = Random(f"{self._seed}/{name}")  # noqa: S311 - it must be the same each time
        return die
