"""A timer that goes off when nothing was sent for a while: one wake-up per interval at most."""

import asyncio
from collections.abc import Callable


class Heartbeat:
    """Calls `beat` whenever nothing was `sent` for `interval` seconds, until `stop`.

    `written_at` tells when something was sent behind its back (s, the loop's clock): it is asked when
    the time has come, so that sending costs nothing.
    """

    __slots__ = ("_beat", "_interval", "_loop", "_sent_at", "_timer", "_written_at")

    def __init__(self, interval: float, beat: Callable[[], None], written_at: Callable[[], float]) -> None:
        self._interval = interval
        self._beat = beat
        self._written_at = written_at
        self._loop = asyncio.get_running_loop()
        self._sent_at = self._loop.time()
        self._timer = self._loop.call_at(self._sent_at + interval, self._ring)

    def sent(self) -> None:
        self._sent_at = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()

    def _ring(self) -> None:
        now = self._loop.time()
        self._sent_at = max(self._sent_at, self._written_at())
        if now >= self._sent_at + self._interval - 0.001:
            self._sent_at = now
            self._beat()
        self._timer = self._loop.call_at(self._sent_at + self._interval, self._ring)
