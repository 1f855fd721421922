"""The database of a process: claimed by it alone, its schema up to date, Tortoise connected.

This module knows nothing of events.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, Self

from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.context import TortoiseContext, get_current_context

from quart_app.storage import schema
from quart_app.storage.claim import Claim
from quart_app.storage.connections import WRITER, is_postgres, sqlite_file, tortoise_config
from quart_app.storage.errors import DatabaseUnavailable, StorageError
from quart_app.storage.schema import Report
from quart_app.storage.sqlite.claim import FileClaim


def _silent(_line: str) -> None:
    """Drop the line: nobody is told."""


class Database:
    """The open database of the process; any task reaches it through Tortoise's models."""

    def __init__(self, claim: Claim) -> None:
        self.migrations: list[str] = []
        """The names of the migrations that were applied when the database was opened."""
        self._claim = claim
        self._context = TortoiseContext()

    @classmethod
    async def open(
        cls,
        database_url: str,
        model_modules: Sequence[str],
        report: Report = _silent,
        *,
        shared: bool = False,
        node: str = "",
    ) -> Self:
        """Claim the database, connect to it, migrate it, and return it. There can be one in a process at a time.

        `database_url` is `sqlite://path`, `sqlite://:memory:` or `postgres://…`. `model_modules` are the
        dotted names of the domains' models. `report` gets a line for the operator per migration. A database that is
        `shared` is open in other processes, too, which a backplane joins; PostgreSQL shows this one as `node`.
        Raise DatabaseUnavailable (also DatabaseInUse, NotADatabase), MigrationFailed (also
        NewerDatabase); whatever it raises, nothing stays open.
        """
        config = tortoise_config(database_url, model_modules, node)
        if get_current_context() is not None:
            raise DatabaseUnavailable("this process has a database open already")
        try:
            database = cls(claim(database_url, config, shared=shared))
            await database._claim.acquire()
            try:
                await database._connect(config, report)
            except BaseException:
                with suppress(Exception):  # closing a connection that was never made
                    await database.close()
                raise
        except StorageError:
            raise
        except Exception as error:
            if isinstance(error, ModuleNotFoundError) and error.name == "asyncpg":
                raise DatabaseUnavailable("PostgreSQL needs its driver: pip install 'envivo[postgres]'") from error
            raise DatabaseUnavailable(f"the database cannot be reached: {error}") from error
        return database

    def check(self) -> None:
        """Raise DatabaseUnavailable where what is written would go elsewhere than a start would look for it."""
        self._claim.check()

    async def others(self) -> Collection[str]:
        """Return the names of the other nodes that have the database open."""
        return await self._claim.others()

    async def close(self) -> None:
        """Disconnect, and give up the claim. Stop the writer first."""
        try:
            await self._context.close_connections()
        finally:
            await self._claim.release()

    async def _connect(self, config: dict[str, Any], report: Report) -> None:
        EXECUTOR_CACHE.clear()  # it has statements in the dialect of whatever this process had open before
        # The global fallback is what requests see: they run in other tasks than the start-up.
        with self._context:
            await self._context.init(config, _enable_global_fallback=True)
        for client in self._context.connections.all():
            await client.create_connection(with_db=True)
        self.migrations = await schema.upgrade(config["apps"], before=self._claim.back_up, report=report)
        self._claim.opened()


def claim(database_url: str, config: dict[str, Any], *, shared: bool = False) -> Claim:
    """Return the claim to the database that the URL names, not taken yet; `config` is Tortoise's for it. Others may
    have it, too, where it is `shared`."""
    if (file := sqlite_file(database_url)) is not None:
        return FileClaim(file)
    if not is_postgres(database_url):
        return Claim()
    from quart_app.storage.postgres.claim import SessionClaim

    return SessionClaim(config["connections"][WRITER]["credentials"], shared=shared)


async def migrate(database_url: str, model_modules: Sequence[str], report: Report = _silent) -> list[str]:
    """Bring the schema up to date without serving, and return the names of the migrations applied.

    The parameters and the errors are those of `Database.open`.
    """
    database = await Database.open(database_url, model_modules, report)
    await database.close()
    return database.migrations
