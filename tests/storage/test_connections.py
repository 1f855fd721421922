from pathlib import Path

import pytest
from tortoise.connection import get_connection

from quart_app.storage.connections import READER, WRITER, inside_unit, reading, sqlite_file, tortoise_config
from quart_app.storage.errors import DatabaseUnavailable, WriteOutsideUnit
from quart_app.storage.unit_of_work import UnitOfWork
from tests.storage.store import Note, Store, note, opened
from tests.stores import sqlite_url

pytestmark = pytest.mark.sqlite


async def pragma(name: str, connection: str) -> object:
    _, rows = await get_connection(connection).execute_query(f"PRAGMA {name}")
    return rows[0][name]


@pytest.mark.parametrize("connection", [WRITER, READER])
async def test_a_file_is_opened_so_that_an_acknowledged_write_survives_a_power_cut(
    store: Store, connection: str
) -> None:
    assert await pragma("journal_mode", connection) == "wal"
    assert await pragma("synchronous", connection) == 2  # FULL
    assert await pragma("foreign_keys", connection) == 1
    assert await pragma("query_only", connection) == (connection == READER)


async def test_the_url_can_say_otherwise(tmp_path: Path) -> None:
    async with opened(sqlite_url(tmp_path / "envivo.db", synchronous="NORMAL")):
        assert await pragma("synchronous", WRITER) == 1


async def test_statements_take_the_connection_that_is_theirs(store: Store) -> None:
    async def unit(_work: UnitOfWork) -> None:
        assert inside_unit()
        assert reading().connection_name == WRITER
        row = await Note.create(text="one")
        row.text = "two"
        await row.save()
        assert await Note.filter(text="two").exists()
        await Note.filter(id=row.id).update(text="three")
        assert await Note.get_or_create(text="three") == (row, False)
        assert (await Note.get_or_create(text="four"))[1]
        await Note.bulk_create([Note(text="five")])

    await store.writer.commit(unit)
    assert not inside_unit()
    assert reading().connection_name == READER
    assert await store.texts() == ["three", "four", "five"]
    with pytest.raises(WriteOutsideUnit):
        await Note.filter(id=1).update(text="never")
    with pytest.raises(WriteOutsideUnit):
        await Note.filter(id=1).delete()
    with pytest.raises(WriteOutsideUnit):
        await Note.bulk_create([Note(text="never")])
    assert await store.texts() == ["three", "four", "five"]


async def test_in_memory_there_is_one_connection_and_the_rest_is_the_same() -> None:
    async with opened("sqlite://:memory:") as store:
        await store.writer.commit(note("one"))
        assert reading().connection_name == WRITER
        assert await store.texts() == ["one"]
        assert [event.position for event in await store.events()] == [1]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://localhost/envivo", "mysql databases are not supported"),
        ("envivo.db", "use sqlite:// or postgres://"),
        ("sqlite://", "names no database"),
        ("postgres://localhost:many/envivo", "names no database"),
    ],
)
def test_a_url_that_names_no_database_is_refused(url: str, said: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=said):
        tortoise_config(url, [])


def test_where_a_url_has_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sqlite_file("sqlite://envivo.db") == tmp_path / "envivo.db"
    assert sqlite_file(f"sqlite://{tmp_path}/data/envivo.db?synchronous=NORMAL") == tmp_path / "data" / "envivo.db"
    assert sqlite_file("sqlite://:memory:") is None
    assert sqlite_file("postgres://localhost/envivo") is None
