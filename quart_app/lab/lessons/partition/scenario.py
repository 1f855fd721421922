"""Two people buy seats, a third one looks and claps; for a while a cable between the nodes is cut."""

import asyncio
from typing import Any

from quart_app.lab.lessons.partition.hall import TOPIC, furnish
from quart_app.lab.lessons.partition.stage import ACTS, Stage, cut
from quart_app.lab.lessons.partition.wishes import HOMES, told, wishes
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import Client, World

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES = ("A", "B", "C")
LOOK = 0.05
"""The time between two looks whether the nodes have found each other (s)."""
LATEST = 40.0
"""The time after which a run ends, whoever still waits (s)."""
REST = 3.0
"""The time in which all nodes know what there is to be known (s)."""


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    stage = world.kept["stage"] = Stage(world, strategy)
    for node in world.nodes.values():
        node.start()
    while not all(node.listens and stage.halls[name].reaches_log() for name, node in world.nodes.items()):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(LOOK)
    if knobs["cut"]:
        world.loop.call_at(world.dice.of("cut").uniform(3.4, 4.4), cut, world, knobs["cut"])
    wanted, tasks = wishes(world, knobs["contested"]), list[asyncio.Task[None]]()
    for name, home in HOMES.items():
        for other in NODES:
            world.road(name, other).watch = told
        client = world.client(
            name, [TOPIC], transports=("ws",), choose=lambda name=name, home=home: stage.choose(name, home)
        )
        client.process.spawn(follow(client))
        tasks += [client.process.spawn(ask(world, client, *one)) for one in wanted[name]]
    done, _ = await asyncio.wait(tasks, timeout=LATEST)
    for task in done:
        task.result()
    await asyncio.sleep(max(REST, knobs["cut"]))
    for name, hall in stage.halls.items():
        world.trace.note(name, "state", value=f"👏 {hall.claps()}", claps=hall.claps())


async def ask(world: World, client: Client, moment: float, what: dict[str, Any]) -> None:
    """Ask for something at its time."""
    await asyncio.sleep(moment - world.loop.time())
    name = f"{client.name}-{what['seat']}" if "seat" in what else f"{client.name} {moment}"
    if what["type"] == "buy":
        world.trace.note(client.name, "take", msg=name, seat=what["seat"])
    await client.live.send(TOPIC, what | {"key": name})


async def follow(client: Client) -> None:
    """Stay connected."""
    async with client.live as live:
        async for _ in live:
            pass
