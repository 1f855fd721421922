"""Which cursors a file honours that was copied, put back, moved or started again and again: on real files."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.backends.base.client import BaseDBAsyncClient

from quart_app.storage import event_log
from quart_app.storage.connections import reading, writing
from quart_app.storage.database import migrate
from quart_app.wire import Cursor
from tests.storage.store import Store, note, opened
from tests.stores import sqlite_url

pytestmark = pytest.mark.sqlite


def rows(file: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(statement).fetchall()


async def write(store: Store, *texts: str) -> None:
    for text in texts:
        await store.writer.commit(note(text))


async def refusals(store: Store, cursors: Iterable[Cursor]) -> list[str | None]:
    return [await store.log.refusal(cursor) for cursor in cursors]


async def test_a_restart_resets_nobody(url: str) -> None:
    handed_out: list[Cursor] = []
    for texts in (["a", "b"], [], [], ["c"], []):
        async with opened(url) as store:
            handed_out.append(store.log.cursor(await store.log.head()))
            await write(store, *texts)
            handed_out.append(store.log.cursor(await store.log.head()))
            handed_out += [Cursor.parse(event.cursor or "") for event in [*store.relayed, *await store.events()]]
    async with opened(url) as store:
        assert set(await refusals(store, handed_out)) == {None}
        # What was told when it was committed and what the log tells later is the same.
        assert {str(cursor) for cursor in handed_out if cursor.position} == {e.cursor for e in await store.events()}


async def test_a_look_that_comes_back_late_takes_nothing_back(url: str) -> None:
    seen, late = asyncio.Event(), asyncio.Event()

    class Slow:
        async def execute_query(self, statement: str) -> object:
            found = await reading().execute_query(statement)
            seen.set()
            await late.wait()
            return found

    async with opened(url) as store:
        await write(store, "one")
    async with opened(url) as store:
        looking = asyncio.create_task(store.log.look(cast("BaseDBAsyncClient", Slow())))
        await seen.wait()
        await write(store, "two")
        late.set()
        await looking
        assert [str(store.log.cursor(event.position)) for event in store.relayed] == [e.cursor for e in store.relayed]


async def test_a_commit_that_is_answered_late_takes_nothing_back(url: str) -> None:
    async with opened(url) as store:
        await write(store, "one", "two")
        [event] = store.relayed[-1:]
        store.log.seen(event.position + 1)  # another process has said so, before this one's own commit was answered
        store.log.appended([event])
        assert await refusals(store, [store.log.cursor(event.position + 1)]) == [None]


async def test_of_a_file_put_back_those_are_reset_who_stood_after_the_copy(url: str, tmp_path: Path) -> None:
    file, backup = tmp_path / "envivo.db", tmp_path / "backup.db"
    async with opened(url) as store:
        await write(store, "one", "two")
    shutil.copy(file, backup)
    async with opened(url) as store:
        await write(store, "three", "four")
        cursors = [store.log.cursor(position) for position in range(5)]
    shutil.copy(backup, file)

    async with opened(url) as store:
        assert await refusals(store, cursors) == [None, None, None, "unknown_log", "unknown_log"]
        await write(store, "other three", "other four", "five")
        assert await refusals(store, cursors) == [None, None, None, "unknown_log", "unknown_log"]


async def test_a_copy_taken_while_the_log_is_written_goes_its_own_way(url: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    async with opened(url) as store:
        await write(store, "one")
        with closing(sqlite3.connect(tmp_path / "envivo.db")) as reader:
            reader.execute("VACUUM INTO ?", (str(copy),))
        await write(store, "two")
        own = [store.log.cursor(position) for position in range(3)]
    async with opened(sqlite_url(copy)) as store:
        await write(store, "another two", "three")
        assert await refusals(store, own) == [None, None, "unknown_log"]
        copied = [store.log.cursor(position) for position in range(4)]
    async with opened(url) as store:
        assert await refusals(store, copied) == [None, None, "unknown_log", "unknown_log"]


async def test_a_file_moved_elsewhere_is_the_same_log(url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        await write(store, "one", "two")
        cursor = store.log.cursor(1)
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "envivo.db").rename(tmp_path / "elsewhere" / "moved.db")
    async with opened(sqlite_url(moved)) as store:
        await write(store, "three")
        assert await store.log.refusal(cursor) is None


async def test_starting_without_writing_leaves_no_trace(url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        await write(store, "one")
    before = rows(tmp_path / "envivo.db", "SELECT * FROM log_terms")
    for _ in range(20):
        async with opened(url) as store:
            assert await store.log.head() == 1
    assert rows(tmp_path / "envivo.db", "SELECT * FROM log_terms") == before


async def test_a_start_that_could_not_store_its_first_event_begins_with_the_next(url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        await write(store, "one")
    async with opened(url) as store:
        (before,) = rows(tmp_path / "envivo.db", "SELECT max(id) FROM log_terms")
        with closing(sqlite3.connect(tmp_path / "envivo.db")) as other:
            other.execute("CREATE TRIGGER refuse BEFORE INSERT ON event_log BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises(Exception, match="no"):
            await write(store, "two")
        assert rows(tmp_path / "envivo.db", "SELECT max(id) FROM log_terms") == [before]
        with closing(sqlite3.connect(tmp_path / "envivo.db")) as other:
            other.execute("DROP TRIGGER refuse")
        await write(store, "two", "three")
        assert [store.log.cursor(position) for position in (1, 2, 3)] == [
            Cursor.parse(event.cursor or "") for event in await store.events()
        ]
    assert rows(tmp_path / "envivo.db", "SELECT count(*) FROM log_terms") == [(2,)]


async def test_terms_whose_events_are_all_trimmed_are_forgotten(url: str, tmp_path: Path) -> None:
    for text in ("one", "two", "three", "four"):
        async with opened(url) as store:
            await write(store, text)
    async with opened(url) as store:
        cursors = [store.log.cursor(position) for position in range(5)]
        await store.writer.commit(lambda _: event_log.trim(writing(), 2, 0, 100))
    assert rows(tmp_path / "envivo.db", "SELECT after FROM log_terms ORDER BY id") == [(1,), (2,), (3,)]
    async with opened(url) as store:
        assert await refusals(store, cursors) == ["unknown_log", "unknown_log", None, None, None]


async def test_the_number_of_terms_in_the_file_is_bounded(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "TERMS", 3)
    for number in range(6):
        async with opened(url) as store:
            await write(store, str(number))
    assert rows(tmp_path / "envivo.db", "SELECT count(*) FROM log_terms") == [(3,)]
    async with opened(url) as store:
        for position in range(7):  # each one's name is honoured, also of those whose term was forgotten
            assert await store.log.refusal(store.log.cursor(position)) is None


async def test_an_older_databases_name_is_its_first_term(url: str, tmp_path: Path) -> None:
    file = tmp_path / "envivo.db"
    await migrate(url, [])
    with closing(sqlite3.connect(file)) as old, old:
        old.execute("DROP TABLE log_terms")
        for table in ("revocations", "leases", "readers", "event_depths"):
            old.execute(f"DROP TABLE {table}")
        old.execute("ALTER TABLE idempotency_keys DROP COLUMN fingerprint")
        old.execute("DELETE FROM tortoise_migrations WHERE name >= '0008'")
        old.execute("INSERT INTO log_state (name, value) VALUES ('floor', '2'), ('epoch', 'k3f9a1')")
        for position in (3, 4):
            event = (position, "log/a", "n", "{}", 0)
            old.execute("INSERT INTO event_log (position, topic, type, fields, at) VALUES (?, ?, ?, ?, ?)", event)
    async with opened(url) as store:
        assert [event.cursor for event in await store.events()] == ["k3f9a1-3", "k3f9a1-4"]
        await write(store, "five")
        assert await refusals(store, [Cursor("k3f9a1", 4), Cursor("k3f9a1", 5)]) == [None, "unknown_log"]
    assert rows(file, "SELECT name FROM log_state") == [("floor",)]
    # The older version, which has no terms, must not take the original's cursors for those of the copy made before.
    copy = tmp_path / "envivo.db.before-0008_terms.bak"
    assert rows(copy, "SELECT count(*) FROM log_state WHERE name = 'epoch' AND value <> 'k3f9a1'") == [(1,)]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.sampled_from(["write", "write", "start", "start", "back up", "restore", "trim"]), max_size=25))
async def test_whoever_comes_with_any_cursor_gets_what_follows_or_a_reset(steps: list[str]) -> None:
    """No silent gap and no repeat, whatever was done to the file; and no reset where none is needed."""
    with TemporaryDirectory() as folder:
        await _Story(Path(folder)).play(steps)


class _Story:
    """A file's life. `known` has each cursor that was ever handed out, with the events that its holder had seen."""

    def __init__(self, folder: Path) -> None:
        self._file, self._backup = folder / "envivo.db", folder / "backup.db"
        self._written: list[str] = []
        self._backed_up: list[str] | None = None
        self._known: dict[Cursor, list[str]] = {}
        self._serial = 0

    async def play(self, steps: list[str]) -> None:
        while steps:
            async with opened(sqlite_url(self._file)) as store:
                while steps and steps[0] in {"write", "trim"}:
                    await self._inside(store, steps.pop(0))
                await self._check(store)
            if steps:
                self._outside(steps.pop(0))

    async def _inside(self, store: Store, step: str) -> None:
        if step == "trim":
            await store.writer.commit(lambda _: event_log.trim(writing(), len(self._written) // 2, 0, 100))
            return
        self._serial += 1
        self._written.append(f"{self._serial}")
        await write(store, f"{self._serial}")
        await self._check(store)

    def _outside(self, step: str) -> None:
        if step == "back up":
            shutil.copy(self._file, self._backup)
            self._backed_up = list(self._written)
        elif step == "restore" and self._backed_up is not None:
            shutil.copy(self._backup, self._file)
            self._written = list(self._backed_up)

    async def _check(self, store: Store) -> None:
        head, floor = await store.log.head(), await store.log.floor()
        assert head == len(self._written)
        for position in range(floor, head + 1):
            self._known.setdefault(store.log.cursor(position), self._written[:position])
        for cursor, seen in self._known.items():
            refused = await store.log.refusal(cursor)
            honest = seen == self._written[: cursor.position] and cursor.position >= floor
            assert (refused is None) == honest, (cursor, refused, seen, self._written)
        told = [event.cursor for event in await store.events()]
        assert told == [str(store.log.cursor(position)) for position in range(floor + 1, head + 1)]
