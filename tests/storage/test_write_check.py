"""Who asks whether anything can be stored: how often that is tried, and what makes it out of date."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from quart_app.realtime import Refused
from quart_app.storage import write_check
from quart_app.storage.errors import DatabaseRefused
from quart_app.storage.write_check import WriteCheck
from tests.storage.store import Store, note

pytestmark = pytest.mark.sqlite


def alter(tmp_path: Path, statement: str) -> None:
    with closing(sqlite3.connect(tmp_path / "envivo.db")) as other:
        other.execute(statement)


async def refuse(store: Store, tmp_path: Path) -> None:
    """Make the database refuse the log's events, and have it refuse one."""
    alter(tmp_path, "CREATE TRIGGER no BEFORE INSERT ON event_log BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(DatabaseRefused, match="no room") as failed:
        await store.writer.commit(note("one"))
    assert isinstance(failed.value, Refused)
    assert (failed.value.status, "no room" in failed.value.message) == (503, False)


async def test_an_idle_database_is_tried_now_and_then_however_many_ask(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, commits = WriteCheck(store.writer), store.hub.counters.commits
    await store.writer.commit(note("one"))
    before = commits.count
    assert await check.complaint() is None
    assert commits.count == before  # it was seen to store something just now
    monkeypatch.setattr(write_check, "PROBE_IDLE", -1.0)
    assert await asyncio.gather(*[check.complaint() for _ in range(200)]) == [None] * 200
    assert commits.count == before + 1


async def test_a_refusal_is_remembered_until_something_is_stored(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = WriteCheck(store.writer)
    alter(tmp_path, "CREATE TRIGGER nor BEFORE INSERT ON log_state BEGIN SELECT RAISE(ABORT, 'no room'); END")
    await refuse(store, tmp_path)
    commits = store.hub.counters.commits
    before = commits.count
    complaints = [complaint for _ in range(50) if (complaint := await check.complaint()) is not None]
    assert len(complaints) == 50
    assert all("no room" in complaint for complaint in complaints)
    assert commits.count == before + 1
    # A unit that refuses, or has nothing to store, proves nothing.
    await store.writer.commit(_nothing)
    assert await check.complaint() is not None

    alter(tmp_path, "DROP TRIGGER nor")
    monkeypatch.setattr(write_check, "PROBE_REFUSED", -1.0)
    assert await check.complaint() is None
    await refuse_again(store)
    alter(tmp_path, "DROP TRIGGER no")
    await store.writer.commit(note("two"))
    assert store.writer.refusal is None


async def refuse_again(store: Store) -> None:
    with pytest.raises(DatabaseRefused):
        await store.writer.commit(note("one"))
    assert store.writer.refusal is not None


async def _nothing(_work: object) -> None:
    pass


async def test_a_writer_that_has_stopped_says_so(store: Store) -> None:
    check = WriteCheck(store.writer)
    await store.writer.stop()
    assert await check.complaint() == "stopped"
