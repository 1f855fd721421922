"""Faults that befall the nodes of a cluster at random, one after the other."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from tests.cluster.cluster import Cluster

CALM: Final = (0.5, 4.0)  # s between two faults
AWAY: Final = (0.0, 1.0)  # s between the end of a node and its next start
STOPPED: Final = (0.2, 4.0)  # s that a node does nothing


async def befall(cluster: Cluster, random: Random, seconds: float, told: Callable[[str], object]) -> None:
    """Let random faults befall random nodes for so long; at the end all of them run. `told` hears of each."""
    ends = asyncio.get_running_loop().time() + seconds
    while (left := ends - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(left, random.uniform(*CALM)))
        node = random.randrange(len(cluster.nodes))
        match random.choice(("kill -9", "SIGTERM", "SIGSTOP")):
            case "kill -9":
                told(f"kill -9 of node {node}")
                await cluster.kill9(node)
                await asyncio.sleep(random.uniform(*AWAY))
                await cluster.start(node)
            case "SIGTERM":
                told(f"SIGTERM to node {node}")
                await cluster.sigterm(node)
                await asyncio.sleep(random.uniform(*AWAY))
                await cluster.start(node)
            case _:
                pause = random.uniform(*STOPPED)
                told(f"SIGSTOP of node {node} for {pause:.1f} s")
                cluster.stop(node)
                await asyncio.sleep(pause)
                cluster.cont(node)
