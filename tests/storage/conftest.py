from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.storage.store import Store, opened, sqlite_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "envivo.db")


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with opened(url) as store:
        yield store
