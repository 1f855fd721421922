"""Time, chance and ids of one process of the world."""

import base64

from quart_app.lab.world.dice import Dice
from quart_app.lab.world.loop import VirtualLoop
from quart_app.surroundings import Surroundings

EPOCH = 1_767_222_000_000
"""The time of day at which every run begins: 2026-01-01, midnight in Madrid (ms since the Unix epoch)."""


def surroundings_of(name: str, loop: VirtualLoop, dice: Dice, skew: float = 0.0) -> Surroundings:
    """Return the surroundings of a process, whose wall clock goes `skew` s ahead."""
    ids, chance = dice.of(f"ids/{name}"), dice.of(f"chance/{name}")
    return Surroundings(
        time=loop.time,
        wall=lambda: EPOCH + round(1_000 * (loop.time() + skew)),
        token=lambda size: base64.urlsafe_b64encode(ids.randbytes(size)).rstrip(b"=").decode(),
        uniform=chance.uniform,
    )
