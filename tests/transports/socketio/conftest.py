"""The program with Socket.IO on topics that a test can fill, and the ways in which a client may travel."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import ServerProcess
from tests.transports.socketio.world import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A module's own: the clients of others, who take their time to be given up, are not counted in it."""
    server = Server(tmp_path_factory.mktemp("socketio"), heartbeat=1, database_url="sqlite://envivo.db?cache_size=-500")
    yield server.start()
    server.check_clean_end()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """A server of the test's own, with these arguments and settings."""
    made: list[ServerProcess] = []

    def make(*arguments: str, **settings: Any) -> ServerProcess:
        made.append(Server(tmp_path, *arguments, **settings))
        return made[-1].start()

    yield make
    for server in made:
        server.check_clean_end()


@pytest.fixture
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        yield client
