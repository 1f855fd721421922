"""Nodes with names, of which one leaves the others."""

from collections.abc import Callable

import httpx
import pytest

from tests.running import ServerProcess
from tests.servers import Postgres, Redis

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

MakeServer = Callable[..., ServerProcess]


def test_a_node_is_known_by_its_name(redis: Redis, postgres: Postgres, make_server: MakeServer) -> None:
    database = postgres.new_database(migrated=True)
    node = make_server(database_url=database, backplane_url=redis.url, node="class-1")
    assert httpx.get(f"{node.url}/health").json()["data"]["node"] == "class-1"
    assert 'node="class-1"' in httpx.get(f"{node.url}/metrics").text
    assert "class-1 20" in node.log()
    name = database.rsplit("/", 1)[1]
    shown = postgres.sql(f"SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = '{name}' ORDER BY 1")
    assert shown.splitlines() == [f"envivo/class-1/{use}" for use in ("claim", "reader", "writer")]
