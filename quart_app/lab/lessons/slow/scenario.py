"""Things come in one after another, and go out to two readers; nothing gets through to one of them for a while."""

import asyncio

from quart_app.lab.lessons.slow.engine import furnish
from quart_app.lab.lessons.slow.feed import Feed, told
from quart_app.lab.lessons.slow.server import Server
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import World

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES = ("server",)
READERS = "ana", "leo"
BEGIN, END = 1.0, 17.5
"""The time in which things come in (s)."""
STANDS, SPREAD = 3.0, 0.5
"""When the way to the slow reader stops, and by how much the seed moves that (s)."""
CALM = 22.0
"""The time from which on everything is let through, whatever was done (s)."""
REST = 2.0
"""The time in which all arrives that is on its way (s)."""
LOOK = 0.5
"""How often it is told what is held (s)."""
MOST = 512 * 1024
"""The bytes that the server may hold for one reader."""


def dark(world: World, by: str = "storm") -> None:
    """Let nothing through to the slow reader, whose system takes nothing more."""
    road = world.road("leo", "server")
    world.trace.note(road.name, "dark", by=by)
    road.darken_from("server")


def heal(world: World, by: str = "storm") -> None:
    """Let everything through again."""
    road = world.road("leo", "server")
    world.trace.note(road.name, "heal", by=by)
    road.lighten()


ACTS = {"dark": lambda world: dark(world, "act"), "heal": lambda world: heal(world, "act")}


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    feed = Feed(world, knobs["rate"], int(knobs["picture"]) * 1024)
    server = Server(world, feed, READERS)
    for name in READERS:
        world.road(name, "server").watch = told
    dice = world.dice.of("storm")
    moments = STANDS + dice.uniform(-SPREAD, SPREAD), STANDS + knobs["stands"] + dice.uniform(-SPREAD, SPREAD)
    for moment, happen in zip(moments, (dark, heal), strict=True):
        world.loop.call_at(moment, happen, world)
    world.loop.call_at(CALM, heal, world, "calm")

    async def played() -> None:
        await strategy(server)

    playing = server.process.spawn(played(), "strategy")
    coming = asyncio.create_task(feed.run(BEGIN, END))
    known: dict[str, int] = {}
    while world.loop.time() < CALM + REST and not (playing.done() and playing.exception()):
        await asyncio.sleep(LOOK)
        for name in READERS:
            if known.get(name) != (held := server.held(name)):
                known[name] = held
                world.trace.note("server", "hold", who=name, bytes=held, limit=MOST)
    if playing.done():
        playing.result()
    await coming
    world.trace.note("server", "done")
