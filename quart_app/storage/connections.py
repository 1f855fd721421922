"""How Tortoise reaches the database: its configuration, and which connection a statement takes.

The writer owns one connection; every read outside a unit of work takes another (on PostgreSQL one of ten), so that no
read waits for a group commit. A SQLite database in memory has one for both. This module knows nothing of transactions.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connection, get_connections
from tortoise.exceptions import ConfigurationError
from tortoise.models import Model

from quart_app import resources
from quart_app.storage.errors import DatabaseUnavailable, WriteOutsideUnit

APP = "envivo"
"""The Tortoise app that all models belong to, and the history that all migrations are in."""

STORAGE_MODELS = "quart_app.storage.models"
WRITER = "default"
READER = "reader"
IN_MEMORY = ":memory:"
EPOCH_BYTES = 6
"""The number of random bytes in the name of a log."""

_POSTGRES = ("postgres", "postgresql")
_SCHEMES = ("sqlite", *_POSTGRES)
_PRAGMAS: dict[str, str | int] = {
    "busy_timeout": 5_000,  # ms to wait for another program that looks into the file
    "synchronous": "FULL",  # an acknowledged write survives a power cut
    "journal_size_limit": 64 * 1024 * 1024,  # bytes the WAL keeps after a checkpoint
    "cache_size": -32_768,  # KiB, when negative
    "temp_store": "MEMORY",
}


class _Scope:
    """One stretch of work inside the writer's transaction."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = True


_scope: ContextVar[_Scope | None] = ContextVar("unit_of_work", default=None)


def inside_unit() -> bool:
    """Tell whether the caller runs inside a unit of work that has not ended."""
    scope = _scope.get()
    return scope is not None and scope.open


@contextmanager
def unit_scope() -> Iterator[None]:
    """Give the writer's connection to the statements inside; a task that outlives it may not write."""
    scope = _Scope()
    token = _scope.set(scope)
    try:
        yield
    finally:
        scope.open = False
        _scope.reset(token)


class Router:
    """Tortoise's router: reads outside a unit take the reader, rows change inside a unit only."""

    def db_for_read(self, model: type[Model]) -> str:
        """Return the name of the connection that a query of `model` takes."""
        return _read_name()

    def db_for_write(self, model: type[Model]) -> str:
        """Return the name of the connection that a change of `model` takes. Raise WriteOutsideUnit."""
        if not inside_unit():
            raise WriteOutsideUnit(f"{model.__name__} was changed outside of a unit of work; use Writer.run")
        return WRITER


def _read_name() -> str:
    return WRITER if inside_unit() or READER not in get_connections().db_config else READER


def reading() -> BaseDBAsyncClient:
    """Return the connection for a SELECT; inside a unit it sees the unit's own changes."""
    return get_connection(_read_name())


def writing() -> BaseDBAsyncClient:
    """Return the writer's connection, for SQL inside a unit of work. Raise WriteOutsideUnit elsewhere."""
    if not inside_unit():
        raise WriteOutsideUnit("SQL that changes rows belongs into a unit of work; use Writer.run")
    return get_connection(WRITER)


def sql(statement: str, client: BaseDBAsyncClient) -> str:
    """Return `statement`, written with `?` for its parameters, in the dialect of `client`."""
    return _numbered(statement) if client.capabilities.dialect == "postgres" else statement


@lru_cache(maxsize=512)
def _numbered(statement: str) -> str:
    numbers = count(1)
    return "".join(f"${next(numbers)}" if character == "?" else character for character in statement)


def is_postgres(database_url: str) -> bool:
    """Tell whether the URL names a database of PostgreSQL."""
    return urlsplit(database_url).scheme in _POSTGRES


def sqlite_file(database_url: str) -> Path | None:
    """Return the absolute path of the SQLite file that the URL names; None in memory or elsewhere."""
    if urlsplit(database_url).scheme != "sqlite":
        return None
    path = _credentials(database_url)["credentials"]["file_path"]
    return None if path == IN_MEMORY else Path(path).resolve()


def tortoise_config(database_url: str, model_modules: Sequence[str], node: str = "") -> dict[str, Any]:
    """Return Tortoise's configuration for `database_url`.

    `model_modules` are the dotted names of the domains' model modules; the storage's own is added.
    PostgreSQL shows the connections under the name `node`, too. For SQLite the query of the URL sets pragmas (`sqlite://envivo.db?synchronous=NORMAL`).
    Raise DatabaseUnavailable for a URL that names no database we can use.
    """
    writer = _credentials(database_url)
    connections = {WRITER: writer}
    file = sqlite_file(database_url)
    if urlsplit(database_url).scheme == "sqlite":
        _set_pragmas(writer["credentials"], database_url)
    else:
        from quart_app.storage.postgres import settings

        writer["engine"] = "quart_app.storage.postgres.client"
        connections[READER] = {**writer, "credentials": settings.reader(writer["credentials"], node)}
        writer["credentials"] = settings.writer(writer["credentials"], node)
    if file is not None:
        writer["credentials"]["file_path"] = str(file)
        connections[READER] = {**writer, "credentials": {**writer["credentials"], "query_only": "ON"}}
    return {
        "connections": connections,
        "apps": {
            APP: {
                "models": [STORAGE_MODELS, *model_modules],
                "default_connection": WRITER,
                "migrations": resources.migrations_module(),
            }
        },
        "routers": [Router],
        "use_tz": True,
        "timezone": "UTC",
    }


def _credentials(database_url: str) -> dict[str, Any]:
    scheme = urlsplit(database_url).scheme
    if scheme not in _SCHEMES:
        what = f"{scheme} databases are not supported" if scheme else f"{database_url!r} is not a database URL"
        raise DatabaseUnavailable(f"{what}; use sqlite:// or postgres://")
    try:
        return expand_db_url(database_url)
    except ConfigurationError as error:
        raise DatabaseUnavailable(f"the database URL names no database: {error}") from error


def _set_pragmas(credentials: dict[str, Any], database_url: str) -> None:
    given = parse_qs(urlsplit(database_url).query)
    credentials.update({name: value for name, value in _PRAGMAS.items() if name not in given})
