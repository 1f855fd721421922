"""Four people with phones: one says goodbye, one dies, one sleeps, and one changes to another network."""

import asyncio
from typing import Final

from quart_app.lab.lessons.presence.person import SERVER, Person
from quart_app.lab.lessons.presence.watcher import Watcher, furnish
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import World

__all__ = ["ACTS", "LIVENESS", "NODES", "furnish", "scenario"]

NODES: Final = (SERVER,)
LIVENESS: Final = {"heartbeat": 1.0}
"""The engine asks for a sign of life after a second of silence, and has to have it a second later."""
PEOPLE: Final = ("ana", "leo", "eva", "sol")
END: Final = 21.0
ACTS: Final = {
    "battery:sol": lambda world: world.kept["sol"].die(),
    "sleep:ana": lambda world: world.kept["ana"].sleep(4.0),
    "move:eva": lambda world: world.kept["eva"].move(),
}


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    world.nodes[SERVER].start()
    people = {name: Person(world, name) for name in PEOPLE}
    world.kept.update(people)
    watcher = Watcher(world, list(people.values()), knobs["beat"], knobs["limit"])
    _storm(world, people, knobs)
    await asyncio.sleep(0.1)
    judging = watcher.process.spawn(_judging(watcher, strategy), "strategy")
    await asyncio.wait([judging], timeout=END - world.loop.time())
    if judging.done():
        judging.result()
        await asyncio.sleep(END - world.loop.time())


async def _judging(watcher: Watcher, strategy: Play) -> None:
    await strategy(watcher)


def _storm(world: World, people: dict[str, Person], knobs: dict[str, int | float]) -> None:
    at, dice = world.loop.call_at, world.dice.of("storm")
    at(dice.uniform(4, 5.5), people["sol"].move)
    at(dice.uniform(5.5, 7.5), people["ana"].leave)
    at(dice.uniform(7, 9), people["eva"].sleep, knobs["nap"])
    at(dice.uniform(8, 10), people["leo"].die)
    for name, person in people.items():
        jams, time = world.dice.of(f"jams/{name}"), 1.0
        while time < END - 1:
            time += jams.uniform(0.5, 2.5)
            seconds = min(1.0, 0.15 * jams.paretovariate(1.1)) * knobs["jams"]
            if seconds:
                at(time, person.jam, seconds)
            time += seconds
