"""What a strategy has in hand on each node, and the table of leases that tells the run what happens to it."""

import asyncio
from collections.abc import Collection, Mapping
from random import Random

from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.leases import Keeper, LeaseTable
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Event, Hub, Leading, Lease

TOPIC, LEASE = "feeds/sensor", "feed sensor"
BEAT = 0.4
"""The time between two signs of life (s)."""
SILENT = 1.5
"""The time after which a node that is not heard counts as gone (s)."""
WAY = 0.02
"""The time that a sign of life takes (s)."""


class Producer:
    """A node of the world as a strategy sees it. What it publishes waits `queue` s in the node before it is written."""

    def __init__(self, world: World, node: Node, hub: Hub, queue: float) -> None:
        self.name = node.name
        self.dice: Random = world.dice.of(f"strategy/{node.name}")
        self._world = world
        self._node = node
        self._hub = hub
        self._queue = queue
        self._lease: Lease | None = None
        self._heard = {node.name: 0.0}
        self._serial = 0

    async def beat(self) -> None:
        """Give signs of life."""
        while True:
            now = asyncio.get_running_loop().time()
            self._heard[self.name] = now
            for other in self._world.kept["stage"].reached_from(self.name):
                self._world.loop.call_later(WAY, other.hear, self.name, now)
            await asyncio.sleep(BEAT)

    def hear(self, name: str, at: float) -> None:
        """Note a sign of life."""
        self._heard[name] = at

    # What a strategy may do

    @property
    def lease(self) -> Lease:
        """The lease for the sensor, which the node tries to get from now on."""
        if self._lease is None:
            self._lease = self._hub.leases.want(LEASE)
        return self._lease

    def alive(self) -> list[str]:
        """Return the names of those who are heard, its own among them."""
        now = asyncio.get_running_loop().time()
        return sorted(name for name, at in self._heard.items() if name == self.name or now - at < SILENT)

    async def tick(self) -> None:
        """Wait for the next second."""
        now = self._world.loop.time()
        await asyncio.sleep(int(now) + 1 - now)

    async def publish(self) -> None:
        """Store a reading. What was handed in is written, even if nobody waits for it any more. Raise Refused where
        it is done by a lease that is lost."""
        name = f"{self.name}{self._world.kept['stage'].next_number()}"
        term = self._lease.term if self._lease is not None and self._lease.term else None
        writing = asyncio.create_task(self._write(name, term))
        writing.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody waits any more
        await asyncio.shield(writing)

    async def _write(self, name: str, term: int | None) -> None:
        trace = self._world.trace
        taken = trace.note(self.name, "take", msg=name)
        await asyncio.sleep(self._queue)
        sent = trace.note(self.name, "send", msg=name, term=term, of=taken)

        def change(log: RecordedLog) -> tuple[int, list[Event]]:
            event = log.append(TOPIC, "reading", data={"from": self.name})
            arrived = trace.note("log", "arrive", msg=name, of=sent)
            tick = int(self._world.loop.time())
            trace.note("log", "commit", msg=name, who=self.name, tick=tick, term=term, pos=event.position, of=arrived)
            return event.position, [event]

        await self._node.writer.commit(self.name, None, change)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Return the seconds since the run has begun."""
        return self._world.loop.time()

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note(self.name, "say", text=str(text)[:200])


class ToldLeases(LeaseTable):
    """The leases of a world, which tell its run who holds them; holders are called `<node>/<number>`."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def _tell(self, holder: str) -> None:
        for row in self.rows.values():
            if row.holder == holder:
                self._world.trace.note(
                    holder.partition("/")[0], "lease", token=row.term, until=round(row.expires_at, 3)
                )

    def take(self, name: str, holder: str) -> int | None:
        before = self.rows.get(name)
        term = super().take(name, holder)
        if term is not None:
            if before is not None:
                self._world.trace.note(before.holder.partition("/")[0], "expire", token=before.term)
            self._tell(holder)
        return term

    def renew(self, holder: str, held: Mapping[str, int]) -> Collection[str]:
        kept = super().renew(holder, held)
        if kept:
            self._tell(holder)
        return kept

    def is_led(self, work: Leading) -> bool:
        led = super().is_led(work)
        if not led:
            trace = self._world.trace
            sent = trace.last(do="send", term=work.term)
            message = None if sent is None else trace.events[sent]["msg"]
            arrived = trace.note("log", "arrive", msg=message, of=sent)
            newest = self.rows[work.name].term
            trace.note("log", "refuse", msg=message, term=work.term, newest=newest, of=arrived)
        return led


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Let a node's engine share the leases with the others."""
    node.writer = Writer(world.database, hub)
    world.kept["stage"].starts += 1
    keeper = Keeper(world.database.leases, f"{node.name}/{world.kept['stage'].starts}", world.database.way)
    hub.leases.start(keeper)
