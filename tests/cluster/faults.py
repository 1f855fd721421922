"""Faults that befall a cluster, at random or all of them, one after the other: its nodes, what they share, and what is
between."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.cluster.cluster import Cluster
from tests.running import eventually

JUMP: Final = 3600  # s
CAUGHT: Final = 30.0  # s in which a node is caught while it holds the lock of the log


@dataclass(frozen=True)
class Chance:
    """What decides, and between how many seconds and how many it chooses."""

    random: Random
    calm: tuple[float, float] = (0.5, 4.0)
    """Between two faults."""
    away: tuple[float, float] = (0.0, 1.0)
    """Between the end of a process and its next start."""
    stopped: tuple[float, float] = (0.2, 5.0)
    """How long somebody does nothing, or is not reached, who is missed at once."""
    dead: tuple[float, float] = (0.2, 5.0)
    """The same, of those who are missed after a while."""

    async def pause(self, seconds: tuple[float, float]) -> None:
        await asyncio.sleep(self.random.uniform(*seconds))


Fault = Callable[[Cluster, Chance, int], Awaitable[None]]
"""What befalls a cluster, or its node of that number. When it returns, all is as before."""


def _cable(server: str, *, dead: bool) -> Fault:
    """Return the fault of a node's cable to a server: it is pulled, or lets nothing through and tells nobody."""
    of_server = " postgres" if server == "postgres" else ""

    async def befall(cluster: Cluster, chance: Chance, node: int) -> None:
        cables = cluster.services.to_postgres if server == "postgres" else cluster.services.to_redis
        if dead:
            cluster.freeze(node, cables, f"cut{of_server}")
        else:
            await cluster.cut(node, cables, f"cut{of_server}")
        await chance.pause(chance.dead if dead else chance.stopped)
        cluster.heal(node, cables, f"heal{of_server}")

    return befall


# What befalls nodes


async def _kill(cluster: Cluster, chance: Chance, node: int) -> None:
    await cluster.kill9(node)
    await chance.pause(chance.away)
    await cluster.start(node)


async def _end(cluster: Cluster, chance: Chance, node: int) -> None:
    await cluster.sigterm(node)
    await chance.pause(chance.away)
    await cluster.start(node)


async def _stop(cluster: Cluster, chance: Chance, node: int) -> None:
    cluster.stop(node)
    await chance.pause(chance.stopped)
    cluster.cont(node)


async def _roll(cluster: Cluster, chance: Chance, node: int) -> None:
    for number in range(len(cluster.nodes)):
        await _end(cluster, chance, (node + number) % len(cluster.nodes))


async def _jump(cluster: Cluster, chance: Chance, _: int) -> None:
    cluster.jump(chance.random.choice((-JUMP, JUMP)))
    await chance.pause(chance.stopped)
    cluster.jump(0)


_OF_NODES: Final[Mapping[str, Fault]] = {
    "kill -9": _kill,
    "SIGTERM": _end,
    "SIGSTOP": _stop,
    "SIGTERM of one after the other": _roll,
}


# What befalls PostgreSQL


async def _restart(cluster: Cluster, chance: Chance, mode: str) -> None:
    postgres = cluster.services.postgres
    assert postgres is not None
    cluster.history.fault(None, f"postgres {mode}")
    await asyncio.to_thread(postgres.stop, mode)
    await chance.pause(chance.away)
    await asyncio.to_thread(postgres.start)
    cluster.history.fault(None, "postgres start")


async def _restart_fast(cluster: Cluster, chance: Chance, _: int) -> None:
    await _restart(cluster, chance, "fast")


async def _restart_immediate(cluster: Cluster, chance: Chance, _: int) -> None:
    await _restart(cluster, chance, "immediate")


async def _terminate(cluster: Cluster, _: Chance, node: int) -> None:
    """End all sessions of a node."""
    cluster.history.fault(node, "postgres terminate")
    statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port = ANY($1)"
    await _ask_postgres(cluster, statement, list(cluster.services.to_postgres[node].ports))


async def _stop_in_the_lock(cluster: Cluster, chance: Chance, node: int) -> None:
    """Stop a node while others wait for its transaction."""

    async def caught() -> bool:
        cluster.stop(node)
        if await _is_in_transaction(cluster, node):
            return True
        cluster.cont(node)
        return False

    await eventually(caught, CAUGHT)
    await chance.pause(chance.dead)
    cluster.cont(node)


async def _is_in_transaction(cluster: Cluster, node: int) -> bool:
    statement = (
        "SELECT state FROM pg_stat_activity"
        " WHERE application_name LIKE 'envivo%/writer' AND state <> 'idle' AND client_port = ANY($1)"
    )
    while (states := await _ask_postgres(cluster, statement, list(cluster.services.to_postgres[node].ports))) == [
        "active"
    ]:
        await asyncio.sleep(0.01)  # what it has asked for last is being done
    return states == ["idle in transaction"]


async def _ask_postgres(cluster: Cluster, statement: str, *values: object) -> list[object]:
    """Return the first column of what a statement finds."""
    import asyncpg

    postgres = cluster.services.postgres
    assert postgres is not None
    connection = await asyncpg.connect(postgres.url("postgres"))
    try:
        return [row[0] for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


_OF_POSTGRES: Final[Mapping[str, Fault]] = {
    "fast restart of PostgreSQL": _restart_fast,
    "immediate restart of PostgreSQL": _restart_immediate,
    "end of the sessions": _terminate,
    "SIGSTOP in the lock": _stop_in_the_lock,
    "cable to PostgreSQL pulled": _cable("postgres", dead=False),
    "cable to PostgreSQL dead": _cable("postgres", dead=True),
}


# What befalls Redis


async def _empty_redis(cluster: Cluster, chance: Chance, _: int) -> None:
    redis = cluster.services.redis
    assert redis is not None
    cluster.history.fault(None, "redis kill")
    await asyncio.to_thread(redis.kill)
    await chance.pause(chance.stopped)
    await asyncio.to_thread(redis.start)
    cluster.history.fault(None, "redis start")


async def _freeze_redis(cluster: Cluster, chance: Chance, _: int) -> None:
    redis = cluster.services.redis
    assert redis is not None
    cluster.history.fault(None, "redis stop")
    redis.freeze()
    await chance.pause(chance.dead)
    redis.thaw()
    cluster.history.fault(None, "redis cont")


async def _kill_clients(cluster: Cluster, chance: Chance, _: int) -> None:
    redis = cluster.services.redis
    assert redis is not None
    kind = chance.random.choice(("normal", "pubsub"))
    cluster.history.fault(None, "redis kills")
    await asyncio.to_thread(redis.ask, "CLIENT", "KILL", "TYPE", kind)


_OF_REDIS: Final[Mapping[str, Fault]] = {
    "Redis killed, and empty": _empty_redis,
    "Redis stopped": _freeze_redis,
    "CLIENT KILL": _kill_clients,
    "cable to Redis pulled": _cable("redis", dead=False),
    "cable to Redis dead": _cable("redis", dead=True),
}


def possible(cluster: Cluster) -> dict[str, Fault]:
    """Return the faults that can befall a cluster, by their names."""
    services = cluster.services
    return {
        **_OF_NODES,
        **({} if services.clock is None else {"another hour": _jump}),
        **({} if services.postgres is None else _OF_POSTGRES),
        **({} if services.redis is None else _OF_REDIS),
    }


async def befall(cluster: Cluster, random: Random, seconds: float, told: Callable[[str], object]) -> None:
    """Let random faults befall random nodes for so long; at the end all of them run. `told` hears of each."""
    ends = asyncio.get_running_loop().time() + seconds
    faults, chance = possible(cluster), Chance(random)
    while (left := ends - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(left, random.uniform(*chance.calm)))
        name, node = random.choice(list(faults)), random.randrange(len(cluster.nodes))
        told(f"{name}: {node}")
        await faults[name](cluster, chance, node)


async def befall_all(cluster: Cluster, chance: Chance) -> None:
    """Let each fault befall a random node once, in a random order."""
    faults = [fault for fault in possible(cluster).values() if fault is not _end]  # which is part of another one
    chance.random.shuffle(faults)
    for fault in faults:
        await chance.pause(chance.calm)
        await fault(cluster, chance, chance.random.randrange(len(cluster.nodes)))
