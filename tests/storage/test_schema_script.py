"""The script that new SQLite files begin with: it makes what the migrations make, or is left alone."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quart_app.storage import schema_script
from quart_app.storage.connections import sqlite_file
from quart_app.storage.database import migrate
from quart_app.storage.errors import MigrationFailed
from quart_app.storage.new_migration import write_script
from tests.storage.history import History
from tests.stores import sqlite_url

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parents[2]

BOOKS = """
    ops.CreateModel(
        name="Book",
        fields=[("id", fields.IntField(primary_key=True, generated=True)), ("title", fields.TextField())],
        options={"table": "book", "app": "envivo", "pk_attr": "id"},
    ),
    ops.RunSQL("INSERT INTO book (title) VALUES ('El Quijote')", ""),
"""


def run(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last of the statements."""
    file = sqlite_file(url)
    assert file is not None
    with closing(sqlite3.connect(file)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def append(script: Path, statement: str) -> None:
    """Let the script do one thing more than the migrations."""
    script.write_text(script.read_text("utf-8").replace("COMMIT;", f"{statement};\nCOMMIT;"), "utf-8")


def change(migration: Path) -> None:
    migration.write_text(f"{migration.read_text('utf-8')}# changed by hand\n", "utf-8")


def tables(url: str) -> list[str]:
    return [name for (name,) in run(url, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a database but the times at which migrations were applied."""
    run(url, "UPDATE tortoise_migrations SET applied_at = ''")
    schema = run(url, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
    return {"": schema} | {name: run(url, f'SELECT * FROM "{name}"') for name in tables(url)}


@pytest.fixture
def migrated(tmp_path: Path) -> str:
    """The URL of a file in which there was something, so that migrations are applied to it one by one."""
    url = sqlite_url(tmp_path / "migrated.db")
    run(url, "CREATE TABLE somebodys (id INTEGER)")
    return url


@pytest.fixture
async def script(history: History) -> Path:
    history.add("0001_initial", BOOKS)
    path = await write_script([])
    assert path is not None
    return path


def test_the_program_has_the_script_of_its_migrations() -> None:
    assert schema_script.read(ROOT / "migrations") is not None, "write it anew: envivo make-migration anything"


async def test_it_makes_what_the_migrations_make(url: str, migrated: str) -> None:
    reports: list[str] = []
    names = await migrate(url, [], reports.append)
    one_by_one: list[str] = []
    assert await migrate(migrated, [], one_by_one.append) == names
    assert one_by_one == reports == [f"Applying migration {name}" for name in names]
    run(migrated, "DROP TABLE somebodys")
    assert content(url) == content(migrated)


async def test_the_record_tells_when_it_was_run(url: str, migrated: str) -> None:
    began = datetime.now(UTC) - timedelta(milliseconds=1)  # that is how fine SQLite's clock is
    for each in (url, migrated):
        await migrate(each, [])
        for (at,) in run(each, "SELECT applied_at FROM tortoise_migrations"):
            assert len(at) == len("2026-01-01 00:00:00.000000+00:00")
            assert began <= datetime.fromisoformat(at) <= datetime.now(UTC)


@pytest.mark.usefixtures("script")
async def test_rows_that_migrations_insert_are_in_it(url: str) -> None:
    assert await migrate(url, []) == ["0001_initial"]
    assert run(url, "SELECT * FROM book") == [(1, "El Quijote")]


async def test_it_is_used_as_long_as_no_migration_has_changed(script: Path, tmp_path: Path) -> None:
    append(script, "CREATE TABLE by_the_script (id INTEGER)")
    by_script, by_migrations = (sqlite_url(tmp_path / name) for name in ("script.db", "migrations.db"))
    await migrate(by_script, [])
    change(script.parent / "0001_initial.py")
    await migrate(by_migrations, [])
    assert set(tables(by_script)) - set(tables(by_migrations)) == {"by_the_script"}


async def test_a_file_that_holds_anything_is_migrated(script: Path, migrated: str) -> None:
    append(script, "CREATE TABLE by_the_script (id INTEGER)")
    await migrate(migrated, [])
    assert "by_the_script" not in tables(migrated)
    assert "book" in tables(migrated)


async def test_a_script_that_fails_leaves_nothing(script: Path, url: str) -> None:
    append(script, "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(MigrationFailed, match="could not be made, nothing of them was kept: no such table: nowhere"):
        await migrate(url, [])
    assert tables(url) == []


@pytest.mark.usefixtures("script")
async def test_it_is_written_once() -> None:
    assert await write_script([]) is None
