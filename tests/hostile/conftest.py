"""Servers for those that mean harm: each way to serve, and with TLS."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hostile.peers import TURNS
from tests.running import ServerProcess


@pytest.fixture(scope="module", params=["direct", "ordinary"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, way: str) -> Iterator[ServerProcess]:
    """A server of each way, shared by the tests of a module."""
    started = ServerProcess(tmp_path_factory.mktemp("server"), environment={"TESTS_WAY": way, **TURNS})
    yield started.start()
    started.check_clean_end()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with TLS, and so with HTTP/2 as browsers speak it."""
    started = ServerProcess(tmp_path_factory.mktemp("tls"), "--tls", environment=TURNS)
    yield started.start()
    started.check_clean_end()


@pytest.fixture
def make_either(make_server: Callable[..., ServerProcess], way: str) -> Callable[..., ServerProcess]:
    """As `make_server` of tests/conftest.py, for a server of each way."""

    def make(*arguments: str, environment: dict[str, str] | None = None, **settings: Any) -> ServerProcess:
        return make_server(*arguments, environment={"TESTS_WAY": way, **(environment or {})}, **settings)

    return make
