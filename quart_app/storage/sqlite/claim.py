"""The claim to a SQLite file: the locks on it and beside it, and the copy of it that is made before a migration."""

import asyncio
import glob
import os
import secrets
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from quart_app.private_files import FILE_MODE, keep_private
from quart_app.storage.claim import Claim
from quart_app.storage.connections import EPOCH_BYTES
from quart_app.storage.errors import DatabaseInUse, DatabaseUnavailable, MigrationFailed, NotADatabase
from quart_app.storage.sqlite.held_file import HeldFile

_PATIENCE = 1.0  # s that a reader of the file may hold up the end


class FileClaim(Claim):
    """The claim to `file`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = FileLock(f"{file}.lock", mode=FILE_MODE, thread_local=False)
        self._held = HeldFile(file)

    async def acquire(self) -> None:
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
        await asyncio.to_thread(_inspect, self._file)
        self._held.take()

    def opened(self) -> None:
        self._held.identify()

    def check(self) -> None:
        self._held.check()

    async def back_up(self, migration: str) -> None:
        target = self._file.with_name(f"{self._file.name}.before-{migration}.bak")
        try:
            await asyncio.to_thread(_copy, self._file, target)
        except (sqlite3.Error, OSError) as error:
            raise MigrationFailed(f"no backup could be written to {target}, so nothing was changed: {error}") from error

    async def release(self) -> None:
        """Leave a file that is whole by itself, and unlock it."""
        try:
            self._held.set_aside()
            if not self._held.lost:
                await asyncio.to_thread(_checkpoint, self._file)
        finally:
            self._held.release()
            self._lock.release()


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
