"""The two timers of a connection: one for silence, and one for a time of day."""

import asyncio
from collections.abc import Callable
from typing import Final

_LOOK: Final = 60.0  # s between looks at the clock: a timer alone counts no time while the machine sleeps


class Heartbeat:
    """A timer that calls `beat` whenever nothing was `sent` for `interval` seconds, until `stop`.

    `written_at` tells when something was sent without a call of `sent` (s, the loop's clock). It is asked only when the
    timer goes off, about once an interval, so that sending costs nothing.
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
        """Note that something was sent now."""
        self._sent_at = self._loop.time()

    def stop(self) -> None:
        """Never call `beat` again."""
        self._timer.cancel()

    def _ring(self) -> None:
        now = self._loop.time()
        self._sent_at = max(self._sent_at, self._written_at())
        if now >= self._sent_at + self._interval - 0.001:
            self._sent_at = now
            self._beat()
        self._timer = self._loop.call_at(self._sent_at + self._interval, self._ring)


class Deadline:
    """A timer that calls `passed` once when the time of day has reached `at`, unless it was cancelled.

    `at` is in s since the Unix epoch, and `wall()` tells the time in ms since then. However the clock is set or the
    machine sleeps meanwhile, the deadline is met.
    """

    __slots__ = ("_at", "_passed", "_timer", "_wall")

    def __init__(self, at: float, passed: Callable[[], None], wall: Callable[[], int]) -> None:
        self._at = at
        self._passed = passed
        self._wall = wall
        self._timer = self._next()

    def cancel(self) -> None:
        """Never call `passed`."""
        self._timer.cancel()

    def _remaining(self) -> float:
        return self._at - self._wall() / 1000

    def _next(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(min(max(self._remaining(), 0.0), _LOOK), self._look)

    def _look(self) -> None:
        if self._remaining() <= 0:
            self._passed()
        else:
            self._timer = self._next()
