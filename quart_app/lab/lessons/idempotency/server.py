"""The server: a channel of a real engine, which does one withdrawal after another and answers each with a ✓."""

import asyncio
import json
from functools import partial
from typing import Any

from quart_app.lab.lessons.idempotency.ledgers import Db, Ledgers, Withdrawal
from quart_app.lab.strategies import Play
from quart_app.lab.world.node import Node
from quart_app.lab.world.serving import Answer, Request
from quart_app.lab.world.world import World
from quart_app.realtime import Channel, Hub, Peer

TOPIC = "bank/withdrawals"
RESTART = 0.4
"""The time after which a server that has crashed is started again (s)."""


class Counter(Channel):
    """Does what is asked for by the code of a strategy. It is new in each process, and so is what it remembers."""

    def __init__(self, world: World, bench: "Bench") -> None:
        self._world = world
        self._bench = bench
        self._memory: set[str] = set()
        self._turn = asyncio.Lock()

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Do a withdrawal, and answer. What was begun is ended, though its phone waits no longer."""
        await asyncio.shield(asyncio.create_task(self._withdraw(peer, body), name="withdraw"))

    async def _withdraw(self, peer: Peer, body: dict[str, Any]) -> None:
        name = body["withdrawal"]
        arrived = self._world.trace.last(lane="server", do="arrive", msg=name)
        async with self._turn:
            note = partial(self._world.trace.note, msg=name, of=arrived)
            db = Db(self._bench.ledgers, self._memory, self._pause, note)
            try:
                await self._bench.strategy(db, Withdrawal(name, body["amount"]), peer.key)
            except Exception as error:  # noqa: BLE001 - whatever a student's code raises ends the run, and is told
                if not self._bench.failed.done():
                    self._bench.failed.set_exception(error)
            db.end()
            await self._pause()
        peer.reply("done", data={"withdrawal": name})

    async def _pause(self) -> None:
        await asyncio.sleep(self._bench.step)


class Bench:
    """What outlives the processes of the server: the disk, the code that they run, and how long a step takes (s).
    `failed` is done where that code has raised something."""

    def __init__(self, world: World, ledgers: Ledgers, strategy: Play, step: float) -> None:
        self.ledgers = ledgers
        self.strategy = strategy
        self.step = step
        self.failed: asyncio.Future[None] = world.loop.create_future()
        world.trace.note("money", "state", value=ledgers.money, sum=ledgers.money)


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the server's engine its channel."""
    hub.channels.add("bank/*", Counter(world, world.kept["bench"]))


def told(world: World, item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is sent between a phone and the server."""
    match item:
        case Request():
            body = json.loads(item.body)
            return {"msg": body["withdrawal"], "key": body["key"]}
        case Answer():
            name = json.loads(item.messages[0])["data"]["withdrawal"]
            return {"do": "ack", "msg": name, "of": world.trace.last(lane="server", msg=name)}
    return None


def crash(world: World) -> None:
    """Let the server die in the middle of what it does; it is started again a little later."""
    world.nodes["server"].kill()
    world.kept["bench"].ledgers.undo()
    world.loop.call_later(RESTART, world.nodes["server"].start)
