"""A day at the bank: twelve movements, each with an e-mail, a crash in the middle, and then some looks back."""

import asyncio
from typing import Any

from quart_app.lab.lessons.replay.bank import Bench, Rewind, furnish
from quart_app.lab.lessons.replay.film import crash, look_back, move, start
from quart_app.lab.lessons.replay.mailbox import told
from quart_app.lab.strategies import Play
from quart_app.lab.world.loop import Place
from quart_app.lab.world.world import World

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES = ("bank",)
MOVEMENTS = 12
EVERY = 0.25
"""The seconds between two of them."""
LOOK_BACK = 10.0
"""When looking back begins (s)."""
MOST_CRASHES, MOST_REWINDS = 3, 4
BETWEEN = 0.5
"""The time between two looks back (s)."""
QUIET = 3.0
"""The time after which nothing more comes (s)."""
LATEST = 120.0
"""The time after which a run ends, whatever goes on (s)."""


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    bench = world.kept["bench"] = Bench(world, strategy)
    world.kept["clerk"] = Place(world.loop, "clerk")
    road = world.road("bank", "mailbox")
    road.watch = told
    for weather in road.weather.values():
        weather.delay = knobs["letter"] / 4, knobs["letter"] / 4  # there and back for the line, and for the letter
    moments = [world.dice.of("crashes").uniform(2.2, 4.2) for _ in range(MOST_CRASHES)]
    for moment in moments[: int(knobs["crashes"])]:
        world.loop.call_at(moment, crash, world)
    start(world)
    either: list[asyncio.Future[Any]] = [world.kept["clerk"].spawn(day(world, int(knobs["rewinds"]))), bench.failed]
    await asyncio.wait(either, timeout=LATEST, return_when=asyncio.FIRST_COMPLETED)
    for one in either:
        if one.done():
            one.result()
    world.trace.note("bank", "done", pos=len(world.database.log.record))


async def day(world: World, rewinds: int) -> None:
    """Move money, look back, and return when nothing more comes of it."""
    dice, balance = world.dice.of("movements"), 0
    for number in range(1, MOVEMENTS + 1):
        await asyncio.sleep(1 + EVERY * number - world.loop.time())
        amount = dice.randint(2, 9) * (-1 if balance >= 10 and dice.random() < 0.5 else 1)
        balance += amount
        await move(world, f"m{number}", amount)
    await asyncio.sleep(LOOK_BACK - world.loop.time())
    looks = world.dice.of("looks")
    until = looks.sample(range(3, MOVEMENTS), MOST_REWINDS)[:rewinds]
    for rewind in [*map(Rewind, until), Rewind(MOVEMENTS, looks.randint(4, MOVEMENTS - 3), 0)]:
        await look_back(world, rewind)
        await asyncio.sleep(BETWEEN)
    happened = -1
    while len(world.trace.events) > happened:
        happened = len(world.trace.events)
        await asyncio.sleep(QUIET)


def look_back_now(world: World) -> None:
    """Look back to the middle of what there is."""
    world.kept["clerk"].spawn(look_back(world, Rewind(len(world.database.log.record) // 2)))


ACTS = {"crash": crash, "rewind": look_back_now}
