"""The end of the process: signals, the deadline for leaving, and the way out that nothing can hold up.

This module owns what a signal means: the first asks the server to stop, a second ends the process. Both work even while
something keeps the event loop busy. It knows nothing of what there is to be stopped.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

DEADLINE: Final = 10.0  # s that leaving may take, until the process ends whatever still runs
ONE_SIGNAL: Final = 0.5  # s in which a repeated signal counts once: a terminal and a launcher may both send it
STOPPING: Final = "En Vivo: stopping; Ctrl-C again ends it at once"
INTERRUPTED: Final = 130  # exit code, 128 + SIGINT as shells have it

_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
logger = logging.getLogger(__name__)


def end_process(code: int) -> NoReturn:
    """End the process with exit code `code` at once: no thread can hold it up, not even one that a failed start left
    behind."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            stream.flush()
    os._exit(code)


def say(text: str) -> None:
    """Print a line for whoever sits at the terminal, if anybody does."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):  # a signal may come while a line is printed
        print(text, flush=True)  # noqa: T201 - the terminal is this module's interface


class Leaving:
    """A listener for signals in the main thread, from when it is made; the first signal sets `asked` in the loop.

    It takes `delay` seconds until the server begins to leave then. `tell` is what lets people know.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, delay: float = 0.0, tell: Callable[[str], object] = say
    ) -> None:
        self.asked = asyncio.Event()
        self._loop = loop
        self._tell = tell
        self._deadline = delay + DEADLINE
        self._asked_at: float | None = None
        for name in _SIGNALS:
            if (number := getattr(signal, name, None)) is not None:
                # This is not the loop's own handler, which is not called while something holds the loop.
                signal.signal(number, self._on_signal)

    def _on_signal(self, *_: Any) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            with contextlib.suppress(RuntimeError):  # the loop is closed, and a signal asks for no more
                self._loop.call_soon_threadsafe(self.asked.set)
            _end_in_any_case(self._deadline)
            self._tell(STOPPING)
        elif now - self._asked_at > ONE_SIGNAL:
            end_process(INTERRUPTED)


def _end_in_any_case(deadline: float) -> None:
    main = threading.get_ident()

    def end() -> None:
        frame = sys._current_frames().get(main)
        at = f"at {frame.f_code.co_filename}, line {frame.f_lineno}" if frame is not None else "nowhere"
        logger.error("still not done %g s after the signal, %s: ending", deadline, at)
        end_process(1)

    watchdog = threading.Timer(deadline, end)
    watchdog.daemon = True
    watchdog.start()
