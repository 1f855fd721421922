import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.storage.history import History
from tests.storage.store import Store, opened
from tests.stores import database_url


@pytest.fixture
def url(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return database_url(tmp_path / "envivo.db", migrated="history" not in request.fixturenames)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with opened(url) as store:
        yield store


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    history = History(tmp_path, f"history_{tmp_path.name.replace('-', '_')}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("quart_app.resources.migrations_module", lambda: history.module)
    yield history
    for name in [name for name in sys.modules if name.startswith(history.module)]:
        del sys.modules[name]
