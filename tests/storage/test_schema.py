"""The history of the schema: it agrees with the models, and applying it survives failures and crashes."""

import sqlite3
import sys
from asyncio import subprocess
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest

from quart_app.storage.connections import sqlite_file
from quart_app.storage.database import migrate
from quart_app.storage.errors import MigrationFailed
from tests.storage.history import History

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parents[2]

FIRST = """
    ops.CreateModel(
        name="Author",
        fields=[("id", fields.IntField(primary_key=True, generated=True)), ("name", fields.TextField())],
        options={"table": "author", "app": "envivo", "pk_attr": "id"},
    ),
    ops.CreateModel(
        name="Book",
        fields=[
            ("id", fields.IntField(primary_key=True, generated=True)),
            ("author", fields.ForeignKeyField("envivo.Author", on_delete=OnDelete.CASCADE)),
        ],
        options={"table": "book", "app": "envivo", "pk_attr": "id"},
    ),
"""


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    file = sqlite_file(url)
    assert file is not None
    with closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(statement).fetchall()


async def test_rebuilding_a_table_keeps_what_refers_to_it(history: History, url: str) -> None:
    history.add("0001_initial", FIRST)
    await migrate(url, [])
    query(url, "INSERT INTO author VALUES (1, 'Rosalía')")
    query(url, "INSERT INTO book (author_id) VALUES (1), (1)")
    history.add("0002_shorter", '    ops.RemoveField(model_name="Author", name="name"),', after="0001_initial")

    assert await migrate(url, []) == ["0002_shorter"]
    assert query(url, "SELECT count(*) FROM book") == [(2,)]
    assert query(url, "SELECT * FROM author") == [(1,)]


async def test_a_migration_that_leaves_orphans_is_undone(history: History, url: str) -> None:
    history.add("0001_initial", FIRST)
    await migrate(url, [])
    query(url, "INSERT INTO author VALUES (1, 'Rosalía')")
    query(url, "INSERT INTO book (author_id) VALUES (1)")
    history.add("0002_purge", '    ops.RunSQL("DELETE FROM author", ""),', after="0001_initial")

    with pytest.raises(MigrationFailed, match="0002_purge failed, nothing of it was kept: 1 rows would refer"):
        await migrate(url, [])
    assert query(url, "SELECT count(*) FROM author") == [(1,)]
    assert query(url, "SELECT name FROM tortoise_migrations") == [("0001_initial",)]


async def test_a_migration_that_fails_half_way_is_undone(history: History, url: str) -> None:
    history.add("0001_initial", FIRST + '    ops.RunSQL("INSERT INTO nowhere VALUES (1)", ""),')

    with pytest.raises(MigrationFailed, match="0001_initial failed, nothing of it was kept: no such table: nowhere"):
        await migrate(url, [])
    assert query(url, "SELECT name FROM sqlite_master WHERE name IN ('author', 'book')") == []


async def test_a_kill_between_a_migration_and_its_record_costs_nothing(url: str) -> None:
    script = dedent(
        """
        import asyncio, os, sys
        from tortoise.migrations.recorder import MigrationRecorder
        from quart_app.storage.database import migrate

        async def die(*_):
            os._exit(9)

        MigrationRecorder.record_applied = die
        asyncio.run(migrate(sys.argv[1], []))
        """
    )
    query(url, "CREATE TABLE somebodys (id INTEGER)")  # where there is something, migrations are applied one by one
    child = await subprocess.create_subprocess_exec(sys.executable, "-c", script, url, cwd=ROOT)
    assert await child.wait() == 9

    assert (await migrate(url, []))[0] == "0001_initial"
