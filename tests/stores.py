"""What the tests store in: a SQLite file each, or with `--store=postgres` a database each of one PostgreSQL server."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from tests.servers import Postgres

_opened = ExitStack()
_server: Postgres | None = None
_databases: dict[Path, str] = {}
_only_sqlite = False


def use_postgres() -> None:
    """Let all tests of this process store in PostgreSQL. The server starts now, and ends with `end`."""
    global _server  # noqa: PLW0603 - one for the process, as its tests share it
    _server = _opened.enter_context(Postgres())


def use_sqlite(only: bool) -> None:
    """Give SQLite files from now on if `only` they will do, as for a test that is about SQLite itself."""
    global _only_sqlite  # noqa: PLW0603 - as above
    _only_sqlite = only


def end() -> None:
    """End the server, if there is one."""
    _opened.close()


def database_url(file: Path, *, migrated: bool = False) -> str:
    """Return the URL of the database that `file` stands for, always the same one: the SQLite file itself, or on
    PostgreSQL a database that is empty at first, or has all tables if `migrated`."""
    if _server is None or _only_sqlite:
        return sqlite_url(file)
    if file not in _databases:
        _databases[file] = _server.new_database(migrated=migrated)
    return _databases[file]


def query(url: str, *statements: str) -> list[str]:
    """Run statements in the database at `url`, beside whoever has it open; return the first column of the last one's
    rows, as text."""
    if url.startswith("sqlite://"):
        with closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection, connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return [str(row[0]) for row in rows]
    assert _server is not None
    for statement in statements:
        text = _server.sql(statement, url.rsplit("/", 1)[1])
    return text.splitlines()


def sqlite_url(path: Path, **pragmas: object) -> str:
    """The URL of the SQLite file at `path`."""
    query = "&".join(f"{name}={value}" for name, value in pragmas.items())
    return f"sqlite://{path}?{query}" if query else f"sqlite://{path}"
