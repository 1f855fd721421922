from collections.abc import Iterator

import pytest

from tests.servers import Postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server that a module of tests has to itself, and may stop. What it has stored survives a crash."""
    with Postgres(fsync="on", full_page_writes="on") as postgres:
        yield postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_database(migrated=True)
