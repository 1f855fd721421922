"""A Redis of the tests' own."""

from collections.abc import Iterator

import pytest

from tests.servers import Postgres, Redis


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server, shared by all tests, each of which has databases of its own."""
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A running server."""
    with Redis() as server:
        yield server
