"""What happens at the bank: movements, crashes, and looks back, each of which runs the code of the strategy."""

import asyncio

from quart_app.lab.lessons.replay.bank import TOPIC, Bank, Bench, Rewind, told
from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.loop import Fate
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.realtime import Event

RESTART = 0.8
"""The time after which a bank that has crashed is started again (s)."""
AGAIN = 0.05
"""The time after which a bank that is not there is tried again (s)."""
PATIENCE = 0.2
"""How long a movement waits to be stored before it is tried again (s)."""


def start(world: World) -> None:
    """Start the bank where it is not running, and in it the code of the strategy, which follows the log."""
    node = world.nodes["bank"]
    if node.fate is Fate.DEAD:
        node.start()
        node.spawn(_react(world))


async def _react(world: World) -> None:
    await _up(world.nodes["bank"])
    await _guarded(world, Bank(world), None)


async def _up(node: Node) -> None:
    while node.serves is None:  # noqa: ASYNC110 - time is what it waits for
        await asyncio.sleep(AGAIN)


async def _guarded(world: World, bank: Bank, until: int | None) -> None:
    bench: Bench = world.kept["bench"]
    try:
        await bench.strategy(bank, until)
    except Exception as error:  # noqa: BLE001 - whatever a student's code raises ends the run, and is told
        if not bench.failed.done():
            bench.failed.set_exception(error)


def crash(world: World) -> None:
    """Let the bank die in the middle of what it does; it is started again a little later."""
    world.nodes["bank"].kill()
    world.loop.call_later(RESTART, start, world)


async def move(world: World, name: str, amount: int) -> None:
    """Store a movement, once, as soon as the bank is there."""
    node = world.nodes["bank"]

    def change(log: RecordedLog) -> tuple[int, list[Event]]:
        event = log.append(TOPIC, "moved", data={"amount": amount})
        balance = sum(data["amount"] for data in log.record)
        world.trace.note("bank", "commit", msg=name, pos=event.position, amount=amount, sum=balance)
        return event.position, [event]

    stored: set[asyncio.Task[object]] = set()
    while not stored:
        await _up(node)
        stored, _ = await asyncio.wait([node.spawn(node.writer.commit("till", name, change))], timeout=PATIENCE)


async def look_back(world: World, rewind: Rewind) -> None:
    """Run the code of the strategy up to a position; again from the beginning where the bank dies meanwhile."""
    node = world.nodes["bank"]
    asked = world.trace.note("film", "state", value=f"« {rewind.until}", **told(rewind))
    while True:
        await _up(node)
        process, task = node.process, node.spawn(_guarded(world, Bank(world, rewind), rewind.until))
        while not task.done() and node.process is process:
            await asyncio.wait([task], timeout=AGAIN)
        if task.done():
            break
    world.trace.note("film", "done", until=rewind.until, of=asked)
