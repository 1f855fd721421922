"""Files that are nobody's business but the user's who runs the program: databases, backups and logs.

What is made is made so whatever the umask says, and what an older version has left open to others is closed.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
UMASK: Final = 0o077


@contextmanager
def made_private() -> Iterator[None]:
    """Let what this process makes inside be its user's alone."""
    before = os.umask(UMASK)
    try:
        yield
    finally:
        os.umask(before)


def keep_private(paths: Iterable[Path]) -> None:
    """Take those files that are there from everybody but their owner, as far as this user may; leave devices alone."""
    for path in paths:
        with suppress(OSError):
            mode = path.stat().st_mode
            if stat.S_ISREG(mode) and mode & UMASK:
                path.chmod(FILE_MODE)


class RotatedFile(RotatingFileHandler):
    """A log file, in a folder that is made for it, which is set aside when it has `size` bytes; the last `kept` of
    those set aside are kept.

    Raise OSError where it cannot be written.
    """

    def __init__(self, path: Path, *, size: int, kept: int) -> None:
        path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        super().__init__(path, maxBytes=size, backupCount=kept, encoding="utf-8")
        keep_private([path, *(path.with_name(f"{path.name}.{number}") for number in range(1, kept + 1))])

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open(self.baseFilename, "ab", opener=_opened), encoding=self.encoding)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)
