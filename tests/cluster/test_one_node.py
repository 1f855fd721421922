"""One node on SQLite keeps every promise while it is killed, stopped, ended and started again under load."""

import asyncio
from pathlib import Path

from tests.cluster.case import Case
from tests.cluster.checker import judge
from tests.cluster.cluster import cluster
from tests.cluster.history import History
from tests.cluster.load import Load

A_WHILE = 0.7  # s of load between two faults
STOPPED = 0.7  # s
ABOUT_CLUSTERS = {11}  # the checks of what one node does not have


async def test_a_node_that_is_killed_stopped_and_ended_under_load(tmp_path: Path) -> None:
    history = History()
    async with cluster(tmp_path, 1, history, each_request=True) as nodes:
        load = Load(nodes, seed=1)
        await load.prepare()
        async with load.running():
            await asyncio.sleep(A_WHILE)
            await nodes.kill9(0)
            await nodes.start(0)
            await asyncio.sleep(A_WHILE)
            nodes.stop(0)
            await asyncio.sleep(STOPPED)
            nodes.cont(0)
            await asyncio.sleep(A_WHILE)
            await nodes.restart(0)
            await asyncio.sleep(A_WHILE)
        rows = await nodes.rows()
    assert Case(history.lines, rows).unanswered == []
    verdicts = judge(history.lines, rows)
    assert all(verdict.first is None for verdict in verdicts), "\n".join(map(str, verdicts))
    assert [verdict.number for verdict in verdicts if not verdict.looked_at] == sorted(ABOUT_CLUSTERS)
