"""Forty messages, four a second, to a phone behind a proxy that lets through less and less."""

import asyncio

from quart_app.lab.lessons.downgrade.net import Net
from quart_app.lab.lessons.downgrade.school import ACTS, block, buffer, furnish, heal, publish
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import World

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES = ("server",)
MESSAGES = 40
BEGIN, FIRST, EVERY = 0.1, 1.0, 0.25
"""When the phone connects, when the first message is published, and how often (s)."""
BLOCKED, BUFFERED, SPREAD = 3.0, 5.0, 0.5
"""When WebSockets and event streams are not let through any more, and by how much the seed moves that (s)."""
CALM = 17.0
"""The time from which on everything is let through, whatever was done (s)."""
REST = 13.0
"""The time in which whoever looks for what has been missed finds it (s)."""


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    world.heartbeat = knobs["heartbeat"]
    world.nodes["server"].start()
    net = Net(world, knobs["heartbeat"])
    for weather in world.road("phone", "server").weather.values():
        weather.delay = knobs["delay"], knobs["delay"]
    dice = world.dice.of("storm")
    for moment, happen in ((BLOCKED, block), (BUFFERED, buffer), (knobs["heal"], heal)):
        world.loop.call_at(moment + dice.uniform(-SPREAD, SPREAD), happen, world)
    world.loop.call_at(CALM, heal, world, "calm")
    await asyncio.sleep(BEGIN)

    async def played() -> None:
        await strategy(net)

    playing = net.process.spawn(played(), "strategy")
    for number in range(MESSAGES):
        await asyncio.sleep(FIRST + number * EVERY - world.loop.time())
        await world.nodes["server"].spawn(publish(world, world.nodes["server"]))
    await asyncio.wait([playing], timeout=CALM + REST - world.loop.time())
    if playing.done():
        playing.result()
    world.trace.note("phone", "done")
