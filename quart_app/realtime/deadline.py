"""Something that ends at a time of day, however the clock is set or the machine sleeps meanwhile."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

_LOOK: Final = 60.0  # s between looks at the clock: a timer alone counts no time while the machine sleeps


class Deadline:
    """Calls `passed` once when the wall clock has reached `at` (s since the Unix epoch), unless cancelled."""

    __slots__ = ("_at", "_passed", "_timer")

    def __init__(self, at: float, passed: Callable[[], None]) -> None:
        self._at = at
        self._passed = passed
        self._timer = self._next()

    def cancel(self) -> None:
        self._timer.cancel()

    def _next(self) -> asyncio.TimerHandle:
        left = min(max(self._at - time.time(), 0.0), _LOOK)
        return asyncio.get_running_loop().call_later(left, self._look)

    def _look(self) -> None:
        if time.time() >= self._at:
            self._passed()
        else:
            self._timer = self._next()
