"""The SQLite file that this process writes to: nobody else's, and still the one that its name leads to.

SQLite goes on writing into a file that was deleted, replaced or written over, and two of its write-ahead logs can
belong to one file that has two names. All of that loses what was acknowledged; so the file itself is locked, and looked
at before each commit.
"""

import logging
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

from quart_app.private_files import FILE_MODE
from quart_app.storage.errors import DatabaseInUse, DatabaseUnavailable

logger = logging.getLogger(__name__)

_PARTS = ("", "-wal", "-shm")
"""The endings that SQLite adds to the name of the database, one for each file that it keeps open."""

_Identity = tuple[int, int]  # device and inode

_MAGIC = b"SQLite format 3\0"  # how a database begins: https://www.sqlite.org/fileformat2.html
# https://www.sqlite.org/walformat.html: version, change counter, whether it is made, page size, and the frames of the
# write-ahead log that are in force; then the log's own header, and that of each frame.
_INDEX = struct.Struct("=I4xI?xHI")
_INDEX_VERSION = 3_007_000
_LOG_HEADER, _FRAME_HEADER = 32, 24


class HeldFile:
    """The database file at `path`, and the files beside it that SQLite makes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._descriptor: int | None = None
        self._parts: dict[Path, _Identity] = {}
        self._index: int | None = None

    def take(self) -> None:
        """Lock the file, by whatever name it was reached, before SQLite opens it. Raise DatabaseInUse."""
        if sys.platform != "linux":  # on other systems this lock and SQLite's own get into each other's way
            return
        import fcntl

        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, FILE_MODE)
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
        if self._descriptor is not None and len(self._parts) == len(_PARTS) and _begins_right(self._descriptor):
            self._index = os.open(path, os.O_RDONLY)

    @property
    def lost(self) -> Path | None:
        """Return a file of the database that was deleted, replaced or written over, None where all are there."""
        gone = next((path for path, identity in self._parts.items() if _identity(path) != identity), None)
        return gone or self._written_over()

    def check(self) -> None:
        """Raise DatabaseUnavailable where one of the files was deleted, replaced or written over."""
        if (path := self.lost) is not None:
            raise DatabaseUnavailable(
                f"{path} was deleted, replaced or written over while the server had it open, so a write would be lost;"
                " put it back as it was, or stop the server and start it on what is there"
            )

    def _written_over(self) -> Path | None:
        """Return a file that somebody has written over or cut off past SQLite, as far as that is to be seen.

        SQLite itself, in whatever process, never changes how the file begins, and never cuts off a part of the
        write-ahead log that is in force. Another state of the same database, copied over the file, looks like its own
        work.
        """
        if self._descriptor is None or self._index is None:
            return None
        if not _begins_right(self._descriptor):
            return self._path
        return self._log if _is_cut_off(self._log, self._index) else None

    def set_aside(self) -> None:
        """Rename our write-ahead log where another file has the database's name now: SQLite would mix the two up."""
        if _identity(self._path) == self._parts.get(self._path):
            return
        for path, identity in self._parts.items():
            if path != self._path and _identity(path) == identity:
                left = path.rename(path.with_name(f"{path.name}.lost"))
                logger.warning("%s was replaced; what belongs to the file that it was is in %s", self._path, left)

    def release(self) -> None:
        """Unlock the file. SQLite must have closed it: closing any descriptor of its files ends SQLite's own locks."""
        for descriptor in (self._descriptor, self._index):
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)
        self._descriptor = self._index = None


def _begins_right(descriptor: int) -> bool:
    """Return whether an open file begins as a database does."""
    return os.pread(descriptor, len(_MAGIC), 0) == _MAGIC


def _is_cut_off(log: Path, index: int) -> bool:
    """Return whether the write-ahead log lacks frames that its index, an open file, names as in force."""
    before = os.pread(index, _INDEX.size, 0)
    if len(before) < _INDEX.size:
        return False
    version, _, made, page, frames = _INDEX.unpack(before)
    needed = _LOG_HEADER + frames * (_FRAME_HEADER + (65_536 if page == 1 else page))
    if version != _INDEX_VERSION or not made or not frames or _size(log) >= needed:
        return False
    return os.pread(index, _INDEX.size, 0) == before  # else another process has gone on since


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _identity(path: Path) -> _Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
