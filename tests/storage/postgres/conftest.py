from collections.abc import Iterator

import pytest

from tests.servers import Postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server that a module of tests has to itself, and may stop."""
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_database(migrated=True)
