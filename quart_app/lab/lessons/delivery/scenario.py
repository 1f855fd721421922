"""Ten payments, one a second, over a cable that is cut at moments the seed decides."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from quart_app.lab.lessons.delivery.bank import furnish
from quart_app.lab.lessons.delivery.cable import ACTS, cut, told
from quart_app.lab.lessons.delivery.till import Payment, Till
from quart_app.lab.strategies import Play
from quart_app.lab.world.loop import Place
from quart_app.lab.world.world import World

__all__ = ["ACTS", "NODES", "furnish", "prepare", "scenario", "take"]

NODES = ("bank",)
PAYMENTS = 10
MOST_CUTS = 8
LATEST = 60.0
"""The time after which a run ends, whatever the till still tries (s)."""
REST = 3.0
"""The time in which all that is on its way arrives (s)."""


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    prepare(world, knobs)
    till = Till(world, knobs["patience"])
    await till.process.spawn(till.open())
    await take(world, till.process, lambda payment: strategy(till, payment))


def prepare(world: World, knobs: dict[str, int | float]) -> None:
    """Start the bank, and have the cable cut."""
    world.nodes["bank"].start()
    road = world.road("till", "bank")
    road.watch = lambda item: told(world, item)
    for weather in road.weather.values():
        weather.delay = knobs["delay"], knobs["delay"]
    moments = [world.dice.of("cuts").uniform(0.9, 11.0) for _ in range(MOST_CUTS)]
    for moment in moments[: int(knobs["cuts"])]:
        world.loop.call_at(moment, cut, world)


async def take(world: World, process: Place, hand_in: Callable[[Payment], Awaitable[Any]]) -> None:
    """Take the payments at the seconds from 1 on, and hand each in; return when nothing more can come of them."""

    async def pay(number: int) -> None:
        await asyncio.sleep(number - world.loop.time())
        payment = Payment(f"p{number}")
        world.trace.note("till", "take", msg=payment.name, amount=payment.amount)
        await hand_in(payment)
        world.trace.note("till", "done", msg=payment.name)

    tasks = [process.spawn(pay(number)) for number in range(1, PAYMENTS + 1)]
    done, _ = await asyncio.wait(tasks, timeout=LATEST, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
    await asyncio.sleep(REST)
