"""A thousand clients are connected; the server says goodbye, is away for some seconds, and all of them come back."""

import asyncio
from collections.abc import Callable
from typing import Any

from quart_app.lab.lessons.herd.crowd import Client
from quart_app.lab.lessons.herd.siege import ROAD, Siege
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.realtime import Hub

NODES = ()
PER_SECOND = 10
"""How often a run tells what has happened (1/s)."""
ACTS = {
    "kill": lambda world: world.kept["siege"].fall(goodbye=False),
    "drain": lambda world: world.kept["siege"].fall(goodbye=True),
}


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give no engine anything: there is none."""


async def scenario(world: World, knobs: dict[str, Any], strategy: Callable[[Client], float]) -> None:
    """Play the lesson with a strategy."""
    world.kept["siege"] = siege = Siege(world, knobs, strategy)
    siege.fall(goodbye=True)
    tick, why = 0, None
    while why is None:
        tick += 1
        await asyncio.sleep(tick / PER_SECOND - world.loop.time())
        siege.tell(tick / PER_SECOND)
        why = siege.over(tick / PER_SECOND)
    world.trace.note(ROAD, "end", why=why)
