"""The database of a process: one server on one file, its schema up to date, Tortoise connected.

This module owns the locks on a SQLite file and beside it, and the backup before a migration. It knows nothing of
events.
"""

import asyncio
import glob
import os
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from tortoise.context import TortoiseContext, get_current_context

from quart_app.private_files import FILE_MODE, keep_private
from quart_app.storage import schema
from quart_app.storage.connections import EPOCH_BYTES, sqlite_file, tortoise_config
from quart_app.storage.errors import DatabaseInUse, DatabaseUnavailable, MigrationFailed, NotADatabase, StorageError
from quart_app.storage.schema import Report
from quart_app.storage.sqlite.held_file import HeldFile

_PATIENCE = 1.0  # s that a reader of the file may hold up the end


def _silent(_line: str) -> None:
    """Drop the line: nobody is told."""


class Database:
    """The open database of the process; any task reaches it through Tortoise's models."""

    def __init__(self, file: Path | None) -> None:
        self.migrations: list[str] = []
        """The names of the migrations that were applied when the database was opened."""
        self._file = file
        self._lock = FileLock(f"{file}.lock", mode=FILE_MODE, thread_local=False) if file else None
        self._held = HeldFile(file) if file else None
        self._context = TortoiseContext()

    @classmethod
    async def open(cls, database_url: str, model_modules: Sequence[str], report: Report = _silent) -> Self:
        """Lock the database, connect to it, migrate it, and return it. There can be one in a process at a time.

        `database_url` is `sqlite://path`, `sqlite://:memory:` or `postgres://…`. `model_modules` are the
        dotted names of the domains' models. `report` gets a line for the operator per migration.
        Raise DatabaseUnavailable (also DatabaseInUse, NotADatabase), MigrationFailed (also
        NewerDatabase); whatever it raises, nothing stays open.
        """
        config = tortoise_config(database_url, model_modules)
        if get_current_context() is not None:
            raise DatabaseUnavailable("this process has a database open already")
        database = cls(sqlite_file(database_url))
        database._acquire()
        try:
            await database._connect(config, report)
        except BaseException as error:
            with suppress(Exception):  # closing a connection that was never made
                await database.close()
            if isinstance(error, StorageError) or not isinstance(error, Exception):
                raise
            if isinstance(error, ModuleNotFoundError) and error.name == "asyncpg":
                raise DatabaseUnavailable("PostgreSQL needs its driver: pip install 'envivo[postgres]'") from error
            raise DatabaseUnavailable(f"the database cannot be reached: {error}") from error
        return database

    def check(self) -> None:
        """Raise DatabaseUnavailable where the files that are written to are not the ones that a start would find."""
        if self._held is not None:
            self._held.check()

    async def close(self) -> None:
        """Disconnect, leave a SQLite file that is whole by itself, and unlock. Stop the writer first."""
        try:
            await self._context.close_connections()
            if self._file is not None and self._held is not None:
                self._held.set_aside()
                if not self._held.lost:
                    await asyncio.to_thread(_checkpoint, self._file)
        finally:
            if self._held is not None:
                self._held.release()
            if self._lock is not None:
                self._lock.release()

    def _acquire(self) -> None:
        if self._lock is None or self._file is None:
            return
        if not self._file.parent.is_dir():
            raise DatabaseUnavailable(f"{self._file} cannot be made: there is no folder {self._file.parent}")
        try:
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise DatabaseInUse(f"{self._file} is in use by another process of En Vivo; stop that one first") from error
        except OSError as error:
            raise DatabaseUnavailable(f"{self._file} cannot be locked: {error}") from error
        # SQLite gives the files that it makes beside the database the rights that the database has.
        parts = [self._file.with_name(self._file.name + part) for part in ("", "-wal", "-shm", ".lock")]
        keep_private([*parts, *self._file.parent.glob(f"{glob.escape(self._file.name)}.before-*.bak")])

    async def _connect(self, config: dict[str, Any], report: Report) -> None:
        if self._file is not None:
            await asyncio.to_thread(_inspect, self._file)
        if self._held is not None:
            self._held.take()
        # The global fallback is what requests see: they run in other tasks than the start-up.
        with self._context:
            await self._context.init(config, _enable_global_fallback=True)
        for client in self._context.connections.all():
            await client.create_connection(with_db=True)
        self.migrations = await schema.upgrade(config["apps"], before=self._back_up, report=report)
        if self._held is not None:
            self._held.identify()

    async def _back_up(self, migration: str) -> None:
        if self._file is None:
            return
        target = self._file.with_name(f"{self._file.name}.before-{migration}.bak")
        try:
            await asyncio.to_thread(_copy, self._file, target)
        except (sqlite3.Error, OSError) as error:
            raise MigrationFailed(f"no backup could be written to {target}, so nothing was changed: {error}") from error


async def migrate(database_url: str, model_modules: Sequence[str], report: Report = _silent) -> list[str]:
    """Bring the schema up to date without serving, and return the names of the migrations applied.

    The parameters and the errors are those of `Database.open`.
    """
    database = await Database.open(database_url, model_modules, report)
    await database.close()
    return database.migrations


def _inspect(file: Path) -> None:
    """Raise NotADatabase or DatabaseUnavailable where `file` exists and cannot serve."""
    if not file.exists():
        return
    if not file.is_file():
        raise DatabaseUnavailable(f"{file} is not a file")
    if not os.access(file, os.R_OK | os.W_OK):
        raise DatabaseUnavailable(f"{file} may not be read and written by this user")
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        raise DatabaseUnavailable(f"{file} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise NotADatabase(f"{file} is not a SQLite database, or it is damaged: {error}") from error


def _checkpoint(file: Path) -> None:
    """Move what is in the write-ahead log into `file`. SQLite does so unasked only when the last connection closes,
    and that may be the one of somebody who looks into the file."""
    if not file.with_name(f"{file.name}-wal").exists():
        return
    # Where it cannot be done (a full disk, a reader in the middle of it) nothing is lost: the next start reads the log.
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=_PATIENCE)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copy(file: Path, target: Path) -> None:
    """Write a copy of the database `file`, whole or not at all; a database that holds nothing is not copied."""
    unfinished = target.with_name(f"{target.name}.part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        connection.execute("VACUUM INTO ?", (str(unfinished),))
    keep_private([unfinished])
    with closing(sqlite3.connect(unfinished)) as copy:
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'log_state'").fetchone():
            # A database of an older version has one epoch and no terms. Once its copy is restored, the log goes on from
            # an older head, so no cursor of the original may fit it.
            copy.execute("UPDATE log_state SET value = ? WHERE name = 'epoch'", (secrets.token_hex(EPOCH_BYTES),))
            copy.commit()
    with unfinished.open("rb+") as written:
        os.fsync(written.fileno())
    unfinished.replace(target)
