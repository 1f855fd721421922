"""A node that starts beside others has to find them at its own Redis."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.backplane import OtherBackplane, meet
from quart_app.realtime.flow.backplane import InProcess
from quart_app.realtime.limits import MEETING
from tests.realtime.clock import clock, skipping_time
from tests.running import ServerProcess
from tests.servers import Postgres, Redis


class World(InProcess):
    """A backplane that is at `there`, and a database that the nodes of `sessions` have open; each tells what is true at
    the time: the last of its values whose time has come."""

    def __init__(self, sessions: dict[float, set[str]], there: dict[float, set[str]]) -> None:
        self._sessions = sessions
        self._there = there

    @property
    def nodes(self) -> Sequence[str]:  # type: ignore[override]  # it changes by itself
        return sorted({"new", *_now(self._there)})

    async def sessions(self) -> Collection[str]:
        return {"new", *_now(self._sessions)}


def _now(values: dict[float, set[str]]) -> set[str]:
    return values[max(time for time in values if time <= clock())]


@pytest.mark.parametrize(
    ("sessions", "there", "takes"),
    [
        pytest.param({0: set()}, {0: set()}, 0, id="it is the first"),
        pytest.param({0: {"a", "b"}}, {0: {"a", "b"}}, 0, id="the others are there"),
        pytest.param({0: {"a", "b"}}, {0: {"b"}}, 0, id="one of them has lost its way to Redis"),
        pytest.param({0: {"a"}}, {0: set(), 2: {"a"}}, 2, id="Redis was just restarted"),
        pytest.param({0: {"a"}, 8: set()}, {0: set()}, 8, id="the power of the other was cut"),
    ],
)
def test_a_node_starts_as_soon_as_it_knows_where_the_others_are(
    sessions: dict[float, set[str]], there: dict[float, set[str]], takes: float
) -> None:
    @skipping_time
    async def start() -> None:
        world = World(sessions, there)
        await meet(world, "new", world.sessions)
        assert takes <= clock() < takes + 0.1

    start()


@skipping_time
async def test_a_node_that_finds_none_of_the_others_refuses_to_start() -> None:
    world = World({0: {"a", "b"}}, {0: set()})
    with pytest.raises(OtherBackplane, match=r"\(a, b\).*ENVIVO_BACKPLANE_URL"):
        await meet(world, "new", world.sessions)
    assert MEETING <= clock() < MEETING + 0.1


@skipping_time
async def test_a_node_whose_own_redis_is_away_starts() -> None:
    world = World({0: {"a"}}, {0: set()})
    world.away_since = 0.0
    await meet(world, "new", world.sessions)
    assert clock() == 0


@pytest.mark.postgres
@pytest.mark.redis
def test_two_redis_are_refused(
    redis: Redis, postgres: Postgres, make_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    shared: dict[str, Any] = {"database_url": postgres.new_database(migrated=True)}
    here = make_server(node="here", backplane_url=redis.url, **shared)
    with Redis() as other:
        wrong = ServerProcess(
            tmp_path, backplane_url=other.url, node="there", environment={"TESTS_MEETING": "1"}, **shared
        )
        wrong.launch()
        assert wrong.wait(30) == 1
    assert "En Vivo cannot start: other nodes have this database open (here)" in wrong.log()
    assert "Traceback" not in wrong.log()
    assert httpx.get(f"{here.url}/health").status_code == 200
