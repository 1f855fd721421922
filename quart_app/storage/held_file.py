"""The SQLite file that this process writes to: nobody else's, and still the one that its name leads to.

SQLite goes on writing into a file that was deleted or replaced, and two of its write-ahead logs can belong to one file
that has two names. Both lose what was acknowledged; so the file itself is locked, and looked at before each commit.
"""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from quart_app.storage.errors import DatabaseInUse, DatabaseUnavailable

logger = logging.getLogger(__name__)

_PARTS = ("", "-wal", "-shm")
"""The endings that SQLite adds to the name of the database, one for each file that it keeps open."""

_Identity = tuple[int, int]  # device and inode


class HeldFile:
    """The database file at `path`, and the files beside it that SQLite makes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._parts: dict[Path, _Identity] = {}

    def take(self) -> None:
        """Lock the file, by whatever name it was reached, before SQLite opens it. Raise DatabaseInUse."""
        if sys.platform != "linux":  # on other systems this lock and SQLite's own get into each other's way
            return
        import fcntl

        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatabaseInUse(
                f"{self._path} is in use by another process of En Vivo, which has reached it by another name"
                " (a hard link); stop that one first"
            ) from error
        except OSError:  # a file system without such locks; the one beside the file has to do
            return

    def identify(self) -> None:
        """Remember which files SQLite has open; this is to be called once it has opened them."""
        for part in _PARTS:
            path = self._path.with_name(self._path.name + part)
            if (identity := _identity(path)) is not None:
                self._parts[path] = identity

    @property
    def lost(self) -> Path | None:
        """Return a file of the database that was deleted or replaced, None where all are there."""
        return next((path for path, identity in self._parts.items() if _identity(path) != identity), None)

    def check(self) -> None:
        """Raise DatabaseUnavailable where one of the files was deleted or replaced."""
        if (path := self.lost) is not None:
            raise DatabaseUnavailable(
                f"{path} was deleted or replaced while the server had it open, so a write would be lost;"
                " put it back as it was, or stop the server and start it on what is there"
            )

    def set_aside(self) -> None:
        """Rename our write-ahead log where another file has the database's name now: SQLite would mix the two up."""
        if _identity(self._path) == self._parts.get(self._path):
            return
        for path, identity in self._parts.items():
            if path != self._path and _identity(path) == identity:
                left = path.rename(path.with_name(f"{path.name}.lost"))
                logger.warning("%s was replaced; what belongs to the file that it was is in %s", self._path, left)

    def release(self) -> None:
        """Unlock the file. SQLite must have closed it: closing any descriptor of it ends SQLite's own locks."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def _identity(path: Path) -> _Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
