"""The wire contract, where each request of a client reaches another node: nobody can tell that there are two."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from tests.cluster.proxy import round_robin
from tests.running import ServerProcess
from tests.servers import Postgres, Redis
from tests.transports import test_conformance
from tests.transports.conftest import HEARTBEAT, World

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


class Balancer(NamedTuple):
    """What stands before the nodes, as clients know it."""

    url: str
    tls: bool = True


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    with Postgres() as postgres, Redis() as redis:
        settings: dict[str, Any] = {
            "database_url": postgres.new_database(migrated=True),
            "backplane_url": redis.url,
            "heartbeat": HEARTBEAT,
        }
        nodes = [ServerProcess(tmp_path_factory.mktemp(name), **settings).start() for name in ("one", "other")]
        yield nodes
        for node in nodes:
            node.check_clean_end()


@asynccontextmanager
async def _worlds(nodes: list[ServerProcess], *kinds: str) -> AsyncIterator[list[World]]:
    async with round_robin([node.port for node in nodes], each_request=True) as proxy:
        made = [World(kind, Balancer(proxy.url)) for kind in kinds]
        yield made
        for one in made:
            await one.close()


@pytest.fixture(params=["sse-h1", "poll-h1"])
async def world(request: pytest.FixtureRequest, nodes: list[ServerProcess]) -> AsyncIterator[World]:
    async with _worlds(nodes, request.param) as (made,):
        yield made


@pytest.fixture
async def h1_worlds(nodes: list[ServerProcess]) -> AsyncIterator[list[World]]:
    async with _worlds(nodes, "ws-h1", "sse-h1", "poll-h1") as made:
        yield made


for _name, _test in vars(test_conformance).items():
    if _name.startswith("test_") and _test is not test_conformance.test_a_silent_stream_beats:  # it chooses transports
        globals()[_name] = _test
