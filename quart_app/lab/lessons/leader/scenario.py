"""Three nodes, one sensor: the first one falls asleep for longer than a lease lasts, and later its cables are cut."""

import asyncio

from quart_app.lab.lessons.leader.producer import ToldLeases, furnish
from quart_app.lab.lessons.leader.stage import ACTS, Stage, cut, nap
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import World

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES = ("A", "B", "C")
LASTS = 24.0


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    world.database.leases = ToldLeases(world)
    stage = world.kept["stage"] = Stage(world, strategy, knobs["queue"])
    for number, name in enumerate(NODES):
        world.loop.call_later(0.3 * number, stage.start, name)
    world.loop.call_at(world.dice.of("nap").uniform(6.0, 8.0), nap, world, knobs["nap"])
    world.loop.call_at(world.dice.of("cut").uniform(17.5, 18.5), cut, world)
    await asyncio.sleep(LASTS)
    for task in stage.tasks:
        if task.done():
            task.result()
