"""A rolling restart of three nodes is noticed by nobody but as a short absence."""

from pathlib import Path

import pytest

from tests.cluster.rolling import roll
from tests.servers import Postgres, Redis


@pytest.mark.postgres
@pytest.mark.redis
async def test_a_rolling_restart_loses_and_repeats_nothing(tmp_path: Path) -> None:
    with Postgres() as postgres, Redis() as redis:
        outcome = await roll(
            tmp_path, 80, present=20, database_url=postgres.new_database(migrated=True), backplane_url=redis.url
        )
    assert (outcome.lost, outcome.repeated, outcome.resets) == (0, 0, 0), outcome
    assert outcome.left == [], "somebody was told to have left"
    assert len(outcome.absences) > 100, "hardly anybody was moved to another node"
