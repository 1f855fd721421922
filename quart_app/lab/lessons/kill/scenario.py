"""Three people write thirty messages; the server is killed once, and once the power is cut."""

import asyncio
import json
from typing import Any

from quart_app.lab.lessons.kill.deaths import ACTS, cut_power, kill
from quart_app.lab.lessons.kill.server import DISK, TOPIC, Server, furnish
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import Client, World
from quart_app.wire import Cursor

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES = ("server",)
WRITERS = ("ana", "leo", "eva")
MESSAGES = 30
LATEST = 60.0
"""The time after which a run ends, whoever still waits (s)."""
REST = 4.0
"""The time in which all that was promised is stored (s)."""


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    world.kept["stage"] = Server(world, strategy, knobs["later"])
    world.database.delay = DISK
    world.nodes["server"].start()
    world.loop.call_later(knobs["writeback"], write_back, world, knobs["writeback"])
    world.loop.call_at(world.dice.of("kill").uniform(4.2, 6.0), kill, world)
    world.loop.call_at(world.dice.of("power").uniform(9.0, 11.0), cut_power, world)
    chance = world.dice.of("messages")
    moments = [1.0 + 0.4 * number + chance.uniform(0.0, 0.3) for number in range(MESSAGES)]
    tasks = []
    for number, name in enumerate(WRITERS):
        road = world.road(name, "server")
        road.watch = lambda item: told(world, item)
        for weather in road.weather.values():
            weather.delay = knobs["delay"], knobs["delay"]
        client = world.client(name, [TOPIC], transports=("ws",))
        client.process.spawn(follow(world, client))
        mine = [(moment, str(of + 1)) for of, moment in enumerate(moments) if of % len(WRITERS) == number]
        tasks += [client.process.spawn(write(world, client, *one)) for one in mine]
    done, _ = await asyncio.wait(tasks, timeout=LATEST)
    for task in done:
        task.result()
    await asyncio.sleep(REST)


def write_back(world: World, every: float) -> None:
    """Let the system flush what is written, as it does now and then."""
    world.database.flush()
    world.loop.call_later(every, write_back, world, every)


async def write(world: World, client: Client, moment: float, name: str) -> None:
    """Write a message at its time; what has no ✓ is sent again by the client, under the same key."""
    await asyncio.sleep(moment - world.loop.time())
    world.trace.note(client.name, "take", msg=name)
    await client.live.send(TOPIC, {"type": "say", "msg": name})
    world.trace.note(client.name, "done", msg=name)


async def follow(world: World, client: Client) -> None:
    """Show what comes."""
    async with client.live as live:
        async for message in live:
            if message["type"] == "said_by":
                position = Cursor.parse(message["id"]).position
                world.trace.note(client.name, "show", msg=message["data"]["msg"], pos=position)


def told(world: World, item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is on its way."""
    message = json.loads(item) if isinstance(item, str | bytes) and item[:1] in {"{", b"{"} else {}
    if message.get("type") == "say":
        return {"msg": message["msg"]}
    if message.get("type") == "said":
        return {"do": "ack", "msg": message["data"]["msg"], "of": world.kept["stage"].reason(message["data"]["msg"])}
    return None
