"""Exponential back-off with full jitter. This module is pure: the randomness is passed in."""

from __future__ import annotations

from collections.abc import Callable

from quart_app.client.options import MAX_STEP, Options


def full_jitter(attempt: int, base: float, cap: float, uniform: Callable[[float, float], float]) -> float:
    """Return the seconds to wait before try number `attempt` (0, 1, 2 …).

    It is drawn evenly between 0 and min(cap, base * 2**attempt), so that clients cut off together do not come back
    together.
    """
    ceiling = min(cap, base * 2.0 ** min(attempt, MAX_STEP))
    return uniform(0.0, ceiling)


class Backoff:
    """The waits of one client; they get longer with every failure in a row, unless the server names a time."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._attempt = 0

    def lived(self, seconds: float) -> None:
        """Note that a connection ended which had been open for so many seconds."""
        if seconds >= self._options.early_death:
            self._attempt = 0

    def wait(self, asked: float | None = None) -> float:
        """Return the seconds to wait now; `asked` are the seconds that the server asked for, None for none.

        A server that names a time spreads its clients itself, so that this counts as no failure of ours.
        """
        if asked:
            self._attempt = 0
            return asked
        options = self._options
        delay = full_jitter(self._attempt, options.backoff_base, options.backoff_cap, options.surroundings.uniform)
        self._attempt += 1
        return delay
