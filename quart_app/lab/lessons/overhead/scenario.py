"""Letters are written at moments the seed decides, and somebody reads them on one of five ways."""

import asyncio

from quart_app.lab.lessons.overhead.post import ACTS, Post, furnish
from quart_app.lab.lessons.overhead.reader import Reader
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import World
from quart_app.realtime import Term, Terms

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES = ("server",)
FIRST, LAST = 2.0, 60.0
"""The time between which letters are written (s)."""
REST = 2.0
"""The time in which a letter that was just written has to come (s)."""
START = 0.1
"""The time after which the server listens for sure (s)."""
TERM = "cb05b550edf1"
"""The name of the log's term, as long as real ones are: it is a part of each cursor."""


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    world.kept["post"] = post = Post(world, int(knobs["size"]))
    world.database.log.terms = Terms([Term(TERM, 0)])
    world.nodes["server"].start()
    for weather in world.road("reader", "server").weather.values():
        weather.delay = knobs["delay"] / 1_000, knobs["delay"] / 1_000
    dice = world.dice.of("letters")
    for _ in range(int(knobs["letters"])):
        world.loop.call_at(dice.uniform(FIRST, LAST), post.write)
    reader = Reader(world)
    await asyncio.sleep(START)
    reading = reader.process.spawn(strategy(reader))
    await asyncio.wait([reading], timeout=LAST + REST - START)
    if reading.done():
        reading.result()
    world.trace.note("reader", "done")
