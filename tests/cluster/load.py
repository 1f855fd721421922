"""A load: writers and readers of every kind on a cluster, until they are told to settle."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import httpx

from tests.cluster.asking import CEDULAS, EMPLOYEES, FED, PETS, PULSE, ROOM, TOPICS, Asking
from tests.cluster.cluster import Cluster
from tests.cluster.readers import Reader, heads
from tests.cluster.writers import PATIENCE, Talker, Writer

SETTLING: Final = 30.0  # s that everybody has to hear of everything
TRANSPORTS: Final = ("ws", "sse", "poll")


class Load:
    """The clients of a cluster: writers, readers who stay, and people who come and go in a room."""

    def __init__(self, cluster: Cluster, seed: int, *, writers: int = 5, pause: float = 0.02) -> None:
        random = Random(seed)
        self._cluster = cluster
        self._asking = Asking(random, {}, {}, days=30)
        self._writers = [Writer(cluster, f"writer-{n}", self._asking, random, pause) for n in range(writers)]
        self._talker = Talker(cluster, "talker", random, pause)
        self._readers = [
            *(Reader(cluster, name, f"all-{name}", (*TOPICS, PULSE, FED), random) for name in TRANSPORTS),
            *(Reader(cluster, name, f"room-{name}", (ROOM,), random) for name in TRANSPORTS),
            *(Reader(cluster, name, f"restless-{name}", (*TOPICS, PULSE), random, stays=0.6) for name in TRANSPORTS),
            *(Reader(cluster, "ws", f"guest-{n}", (ROOM,), random, stays=0.5) for n in range(3)),
        ]
        self._random = random

    async def prepare(self) -> None:
        """Open the accounts, and engage who is to be reserved."""
        async with httpx.AsyncClient(timeout=PATIENCE, base_url=self._cluster.url) as client:
            for cedula in CEDULAS:
                asked = {"cedula": cedula, "nombre": "Ana", "cents": 100_00}
                await self._writers[0].ask(client, "bank.open", asked)
            for number in range(1, max(PETS, EMPLOYEES) + 1):
                for kind, record in (
                    ("services", {"name": "Vacuna", "price": 10, "duration_minutes": 30}),
                    ("pets", {"name": f"Luna {number}", "species": "Perro"}),
                    ("employees", {"name": f"Vera {number}", "role": "Veterinaria"}),
                ):
                    (await client.post(f"/api/{kind}", json=record)).raise_for_status()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let everybody do what they do, in the body and no longer."""
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(reader.run()) for reader in self._readers]
            await self._all(lambda: all(reader.connected for reader in self._readers if reader.stays is None))
            asking: tuple[Writer | Talker, ...] = (*self._writers, self._talker)
            writing = [group.create_task(one.run()) for one in asking]
            try:
                yield
                # Who comes late reads what was before all faults.
                late = [
                    Reader(self._cluster, name, f"late-{name}", TOPICS, self._random, cursor="0") for name in TRANSPORTS
                ]
                self._readers += late
                reading += [group.create_task(reader.run()) for reader in late]
                for one in asking:
                    one.ended = True
                await asyncio.wait(writing)
                await self._settle(group, reading)
            finally:
                for task in (*reading, *writing):
                    task.cancel()

    async def _settle(self, group: asyncio.TaskGroup, reading: list[asyncio.Task[None]]) -> None:
        """Wait until every reader has heard of everything, and note that; or that they had the time."""
        for reader in self._readers:
            reader.stays = None
        await self._all(lambda: all(reader.connected for reader in self._readers))
        # Whoever has heard of the last one to come, and of the last signal, has heard of all before.
        last = Reader(self._cluster, "ws", "last", (ROOM,), self._random)
        reading.append(group.create_task(last.run()))
        await self._all(lambda: last.connected)
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await self._writers[0].ask(client, "live.publish", {"topic": PULSE, "mark": "last signal"})
        head = await heads(self._cluster.url)
        await self._all(lambda: all(_knows_all(reader, head) for reader in self._readers))
        self._cluster.history.settled()

    @staticmethod
    async def _all(true: Callable[[], bool]) -> None:
        ends = asyncio.get_running_loop().time() + SETTLING
        while not true() and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(0.02)


def _knows_all(reader: Reader, head: dict[str, int]) -> bool:
    behind = reader.position < max(head.get(topic, 0) for topic in reader.topics)
    return not behind and "last" in reader.heard and (PULSE not in reader.topics or "last signal" in reader.heard)
