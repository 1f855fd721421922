import sqlite3
import sys
from asyncio import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from quart_app.storage.database import Database, migrate
from quart_app.storage.errors import DatabaseInUse, DatabaseUnavailable, MigrationFailed, NewerDatabase, NotADatabase
from tests.storage.store import opened

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parents[2]


def query(file: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(statement).fetchall()


def tables(file: Path) -> set[object]:
    rows = query(file, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name for (name,) in rows}


def left(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


def make_old(file: Path) -> None:
    """Make `file` one that no migration was applied to, with a table of somebody's."""
    for table in tables(file):
        query(file, f"DROP TABLE {table}")
    query(file, "CREATE TABLE kept (value TEXT)")
    query(file, "INSERT INTO kept VALUES ('precious')")


async def test_a_new_file_gets_its_schema_and_the_operator_a_line(tmp_path: Path) -> None:
    lines: list[str] = []
    url = f"sqlite://{tmp_path / 'envivo.db'}"
    applied = await migrate(url, [], lines.append)

    assert applied[0] == "0001_initial"
    assert lines == [f"Applying migration {name}" for name in applied]
    assert await migrate(url, [], lines.append) == []
    assert len(lines) == len(applied)
    assert left(tmp_path, "*.bak") == []


async def test_somebody_else_who_reads_the_file_holds_up_no_end(url: str, tmp_path: Path) -> None:
    async with opened(url):
        reader = sqlite3.connect(tmp_path / "envivo.db")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM log_state").fetchone()
    with closing(reader):
        assert tables(tmp_path / "envivo.db") >= {"log_state"}
    await migrate(url, [])
    assert left(tmp_path, "*-wal") == []


async def test_a_second_server_on_the_same_file_is_refused(url: str, tmp_path: Path) -> None:
    script = (
        "import sys, asyncio; from quart_app.storage.database import migrate; asyncio.run(migrate(sys.argv[1], []))"
    )
    async with opened(url):
        (tmp_path / "other.db").symlink_to(tmp_path / "envivo.db")
        for same in (url, f"sqlite://{tmp_path / 'other.db'}"):
            child = await subprocess.create_subprocess_exec(
                sys.executable, "-c", script, same, cwd=ROOT, stderr=subprocess.PIPE
            )
            _, said = await child.communicate()
            assert child.returncode == 1
            assert DatabaseInUse.__name__ in said.decode()
            assert "in use by another process of En Vivo; stop that one first" in said.decode()
    assert await migrate(url, []) == []


async def test_one_database_at_a_time_in_a_process(url: str, tmp_path: Path) -> None:
    async with opened(url):
        with pytest.raises(DatabaseUnavailable, match="has a database open already"):
            await Database.open(f"sqlite://{tmp_path / 'other.db'}", [])


@pytest.mark.parametrize("content", [b"hello " * 1000, b"SQLite format 3\0" + b"x" * 5000])
async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "envivo.db"
    file.write_bytes(content)

    with pytest.raises(NotADatabase, match="is not a SQLite database, or it is damaged"):
        await Database.open(f"sqlite://{file}", [])
    assert file.read_bytes() == content


async def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / "envivo.db").touch()
    assert await migrate(f"sqlite://{tmp_path / 'envivo.db'}", [])


async def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="there is no folder"):
        await Database.open(f"sqlite://{tmp_path / 'missing' / 'envivo.db'}", [])
    with pytest.raises(DatabaseUnavailable, match="is not a file"):
        await Database.open(f"sqlite://{tmp_path}", [])
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        await Database.open("sqlite://:memory:", ["no.such.module"])


async def test_a_newer_database_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    await migrate(url, [])
    file = tmp_path / "envivo.db"
    query(
        file, "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('envivo', '9999_future', '2199-01-01')"
    )

    with pytest.raises(NewerDatabase, match=r"newer version of En Vivo \(9999_future\)"):
        await Database.open(url, [])
    assert left(tmp_path, "*.bak") == []


async def test_a_file_is_copied_before_it_is_migrated(url: str, tmp_path: Path) -> None:
    await migrate(url, [])
    make_old(tmp_path / "envivo.db")

    assert await migrate(url, [])
    copy = tmp_path / "envivo.db.before-0001_initial.bak"
    assert query(copy, "SELECT value FROM kept") == [("precious",)]
    assert tables(copy) == {"kept"}
    assert left(tmp_path, "*.part") == []


async def test_nothing_is_migrated_without_a_copy(url: str, tmp_path: Path) -> None:
    await migrate(url, [])
    make_old(tmp_path / "envivo.db")
    (tmp_path / "envivo.db.before-0001_initial.bak.part").mkdir()  # in the way of the copy

    with pytest.raises(MigrationFailed, match="no backup could be written"):
        await migrate(url, [])
    assert tables(tmp_path / "envivo.db") == {"kept"}


async def test_a_missing_driver_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    users = ("tortoise.backends.asyncpg", "quart_app.storage.postgres")
    for name in [name for name in sys.modules if name.startswith(users)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)  # what Python sees of a package that is not installed
    with pytest.raises(DatabaseUnavailable, match=r"pip install 'envivo\[postgres\]'"):
        await Database.open("postgres://localhost/envivo", [])
