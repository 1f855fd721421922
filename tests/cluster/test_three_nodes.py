"""Three nodes on one PostgreSQL and one Redis keep every promise under load, whatever befalls them, once each."""

from pathlib import Path
from random import Random

import pytest

from tests.cluster.case import Case
from tests.cluster.checker import judge
from tests.cluster.cluster import cluster
from tests.cluster.faults import Chance, befall_all
from tests.cluster.history import History
from tests.cluster.load import Load
from tests.servers import Postgres, Redis

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

SEED = 1


@pytest.mark.timeout(300)  # about a minute, where the machine has nothing else to do
async def test_every_fault_under_load(tmp_path: Path) -> None:
    history = History()
    chance = Chance(Random(SEED), calm=(0.1, 0.3), away=(0.0, 0.2), stopped=(0.2, 0.8), dead=(3.2, 3.6))
    with Postgres() as postgres, Redis() as redis:
        async with cluster(tmp_path, 3, history, postgres=postgres, redis=redis, each_request=True) as nodes:
            load = Load(nodes, SEED)
            await load.prepare()
            async with load.running():
                await befall_all(nodes, chance)
            rows = await nodes.rows()
    verdicts = judge(history.lines, rows)
    assert all(verdict.first is None for verdict in verdicts), "\n".join(map(str, verdicts))
    assert [verdict.number for verdict in verdicts if not verdict.looked_at] == []
    assert Case(history.lines, rows).unanswered == []
