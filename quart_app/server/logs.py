"""Where log records go: standard error, and a file where one is set. Nothing else configures logging."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from quart_app.config import Settings, SettingsError

FILE_BYTES = 10 * 1024 * 1024
FILES_KEPT = 5

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# These libraries tell at "info" what only their own developers want to know.
_QUIET = ("hypercorn.error", "httpx", "httpcore", "asyncio", "aiosqlite", "tortoise", "hpack", "websockets")


def configure_logging(settings: Settings) -> None:
    """Send records of `settings.log_level` and above to standard error and to `settings.log_file`. Raise
    `SettingsError`."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if settings.log_file is not None:
        path = Path(settings.log_file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8"))
        except OSError as error:
            may_be = f"a file that can be written ({error.strerror})"
            raise SettingsError("ENVIVO_LOG_FILE (--log-file)", settings.log_file, may_be) from error
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    _leave_out_what_is_not_shown()
    logging.basicConfig(level=level, format=_FORMAT, handlers=handlers, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(level if level == logging.DEBUG else max(level, logging.WARNING))


def _leave_out_what_is_not_shown() -> None:
    """Have logging find out nothing that our lines do not show.

    Each connection is worth two lines, and finding out the caller of each costs as much as all the rest (the section
    "Optimization" of logging's documentation).
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
