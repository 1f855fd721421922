"""Where log records go: standard error, and a file where one is set. Nothing else configures logging.

A crowd that connects is worth thousands of lines a second. Therefore what is logged within one turn of the event loop
is written in one piece at its end; what is logged without a loop is written at once, and so is a warning.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from quart_app.config import Settings, SettingsError
from quart_app.private_files import RotatedFile

FILE_BYTES = 10 * 1024 * 1024
FILES_KEPT = 5

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# These libraries tell at "info" what only their own developers want to know.
_QUIET = ("hypercorn.error", "httpx", "asyncio", "aiosqlite", "tortoise")
# And these tell at "debug" what is in heads: tokens and cookies.
_SILENT = ("h2", "hpack", "httpcore", "websockets")
_TOKEN: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")  # the compact form of a JSON Web Token (RFC 7519 section 3)


def configure_logging(settings: Settings) -> None:
    """Send records of `settings.log_level` and above to standard error and to `settings.log_file`. Raise
    `SettingsError`."""
    places: list[logging.Handler] = [logging.StreamHandler()]
    if settings.log_file is not None:
        path = Path(settings.log_file)
        try:
            places.append(RotatedFile(path, size=FILE_BYTES, kept=FILES_KEPT))
        except OSError as error:
            may_be = f"a file that can be written ({error.strerror})"
            raise SettingsError("ENVIVO_LOG_FILE (--log-file)", settings.log_file, may_be) from error
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    _leave_out_what_is_not_shown()
    lines = _Lines(places)
    lines.setFormatter(_Formatter(_FORMAT if settings.node is None else f"{settings.node} {_FORMAT}"))
    logging.basicConfig(level=level, handlers=[lines], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(level if level == logging.DEBUG else max(level, logging.WARNING))
    for name in _SILENT:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _leave_out_what_is_not_shown() -> None:
    """Have logging find out nothing that our lines do not show.

    Each connection is worth two lines, and finding out the caller of each costs as much as all the rest (the section
    "Optimization" of logging's documentation).
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class _Formatter(logging.Formatter):
    """A formatter that spells each second once, and no token."""

    _second = -1
    _spelled = ""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`, in which nobody finds what opens a door."""
        line = super().format(record)
        return _TOKEN.sub("eyJ…", line) if "eyJ" in line else line

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Return the time of `record` as logging spells it."""
        second = int(record.created)
        if second != self._second:
            self._second, self._spelled = second, super().formatTime(record, self.default_time_format)
        return f"{self._spelled},{int(record.msecs):03d}"


class _Lines(logging.Handler):
    """A handler that keeps lines until the end of the event loop's turn, and gives them to `places` as one."""

    def __init__(self, places: Sequence[logging.Handler]) -> None:
        super().__init__()
        self._places = places
        self._waiting: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        try:
            self._waiting.append(self.format(record))
            if record.levelno >= logging.WARNING or not self._written_soon():
                self.flush()
        except Exception:  # noqa: BLE001 - logging tells it
            self.handleError(record)

    def _written_soon(self) -> bool:
        """Return whether the lines are written at the end of this turn."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._loop is not loop:
            loop.call_soon(self.flush)
            self._loop = loop
        return True

    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            self._loop = None
            if self._waiting:
                lines = logging.makeLogRecord({"msg": "\n".join(self._waiting)})
                self._waiting.clear()
                for place in self._places:
                    place.handle(lines)
        finally:
            self.release()

    def close(self) -> None:
        """Write what waits, and write nothing more."""
        self.flush()
        for place in self._places:
            place.close()
        super().close()
