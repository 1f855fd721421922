"""Six withdrawals, one every four seconds; the server crashes in the middle of some of them, where the seed decides."""

import asyncio
from contextlib import closing
from typing import Any

from quart_app.lab.lessons.idempotency.acts import ACTS, WAY
from quart_app.lab.lessons.idempotency.ledgers import SIGNS, Ledgers, Withdrawal
from quart_app.lab.lessons.idempotency.phones import Phones
from quart_app.lab.lessons.idempotency.server import Bench, crash, furnish, told
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import World

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES = ("server",)
WITHDRAWALS = 6
EVERY = 4.0
"""The seconds between two of them."""
SECOND_TAP = 0.3
"""The time between the two taps of who taps twice (s)."""
LATEST = 60.0
"""The time after which a run ends, whatever the phones still try (s)."""
REST = 3.0
"""The time in which all that is on its way arrives (s)."""


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    with closing(Ledgers()) as ledgers:
        bench = world.kept["bench"] = Bench(world, ledgers, strategy, knobs["step"])
        prepare(world, knobs)
        await play(world, bench)


def prepare(world: World, knobs: dict[str, int | float]) -> None:
    """Start the server, and have it crash in some withdrawals, each after a number of steps that the dice show."""
    world.kept["phones"] = Phones(world, knobs["patience"])
    world.nodes["server"].start()
    road = world.road("phones", "server")
    road.watch = lambda item: told(world, item)
    for weather in road.weather.values():
        weather.delay = WAY, WAY
    dice = world.dice.of("crashes")
    which = dice.sample(range(WITHDRAWALS), WITHDRAWALS)
    points = [dice.randrange(len(SIGNS) + 1) for _ in which]
    for number, point in list(zip(which, points, strict=True))[: int(knobs["crashes"])]:
        arrival = 1 + EVERY * number + 3 * WAY  # there, back, and there again with the request
        world.loop.call_at(arrival + (point + 0.5) * knobs["step"], crash, world)


async def play(world: World, bench: Bench) -> None:
    """Let each phone withdraw in its turn, two of them with two taps; return when nothing more can come of it."""
    phones: Phones = world.kept["phones"]
    twice = world.dice.of("taps").sample(range(WITHDRAWALS), 2)

    async def person(number: int) -> None:
        await asyncio.sleep(1 + EVERY * number - world.loop.time())
        second_tap = SECOND_TAP if number in twice else None
        await phones.withdraw(Withdrawal(f"r{number + 1}"), second_tap)

    people = [phones.process.spawn(person(number)) for number in range(WITHDRAWALS)]
    either: list[asyncio.Future[Any]] = [phones.process.spawn(asyncio.wait(people)), bench.failed]
    await asyncio.wait(either, timeout=LATEST, return_when=asyncio.FIRST_COMPLETED)
    if bench.failed.done():
        bench.failed.result()
    await asyncio.sleep(REST)
