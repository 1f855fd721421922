"""Measurements of this process: its memory, where the operating system tells it, and how late the event loop is.

Both are looked at only while somebody wants to know.
"""

import asyncio
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Final

from quart_app.realtime import Histogram

_STATM: Final = Path("/proc/self/statm")
_EVERY: Final = 0.1  # s between the timers that are watched
_WANTED: Final = 90.0  # s that watching goes on; Prometheus commonly asks every 15 to 60 s


def resident_memory() -> int | None:
    """Return the bytes of this process in memory; None where the system does not tell.

    Where the system tells only the peak, the peak is returned.
    """
    try:
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pass
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class LoopLag:
    """A meter of how late timers go off; everything else in the process is late by as much.

    `seconds` is the histogram of these delays; it grows for a minute and a half after each call of `watch`.
    """

    def __init__(self) -> None:
        self.seconds = Histogram()
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0

    def watch(self) -> None:
        """Measure from now on, for a minute and a half."""
        self._until = perf_counter() + _WANTED
        if self._timer is None:
            self._next()

    def _next(self) -> None:
        # The loop's own clock stands still during a turn.
        due = perf_counter() + _EVERY
        self._timer = asyncio.get_running_loop().call_later(_EVERY, self._ring, due)

    def _ring(self, due: float) -> None:
        now = perf_counter()
        self.seconds.observe(max(0.0, now - due))
        self._timer = None
        if now < self._until:
            self._next()
