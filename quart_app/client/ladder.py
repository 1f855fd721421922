"""Which rung to try, how long to wait before it, and when to try a better one again.

Pure: the clock and the randomness are passed in. A rung is lost for good reasons only: when a lower one worked where
it did not, when its heartbeats stayed away, when it keeps dying young. A server that is down costs no rung.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quart_app.client.backoff import full_jitter
from quart_app.client.endings import Ending, Kind
from quart_app.client.options import Options


class Ladder:
    """The rungs, best first, and where we stand on them."""

    def __init__(self, rungs: Sequence[str], options: Options, uniform: Callable[[float, float], float]) -> None:
        """`rungs` are transport names, best first; `uniform(a, b)` draws the jitter."""
        self._rungs = tuple(rungs)
        self._options = options
        self._uniform = uniform
        self._index = 0
        self._home = 0
        self._opened_at: float | None = None
        self._attempt = 0
        self._deaths = 0
        self._fallback: int | None = None
        self._upgrade_wait = options.upgrade_first
        self._upgrade_at: float | None = None

    @property
    def rung(self) -> str:
        """The transport in use, or to be tried next."""
        return self._rungs[self._index]

    @property
    def upgrade_at(self) -> float | None:
        """When to try a better rung in the background; None on the best one and while not connected."""
        return None if self._opened_at is None else self._upgrade_at

    @property
    def better(self) -> tuple[str, ...]:
        """The rungs above the one in use, best first."""
        return self._rungs[: self._index]

    def opened(self, now: float) -> None:
        """The first message came through on the rung that was tried."""
        if self._index != self._home:
            self._deaths = 0
            self._fallback = None
        self._home = self._index
        self._opened_at = now
        self._upgrade_at = now + self._upgrade_wait if self._index else None

    def upgraded(self, rung: str, now: float) -> None:
        """A better rung was opened in the background and taken over; one early death sends us back."""
        fallback = self._index
        self._index = self._rungs.index(rung)
        self.opened(now)
        self._fallback = fallback

    def upgrade_failed(self, now: float) -> None:
        """No better rung came through: stay content for twice as long."""
        self._lose_patience()
        self._upgrade_at = now + self._upgrade_wait

    def ended(self, ending: Ending, now: float) -> float:
        """Takes note of an ending (of any kind that is not FINAL); returns the seconds to wait before trying `rung`."""
        if self._opened_at is None:
            return self._after_failed_try(ending)
        lived = now - self._opened_at
        self._opened_at = None
        if lived >= self._options.early:
            self._attempt = 0
            self._deaths = 0
            self._fallback = None
        if ending.retry_after is not None:
            return ending.retry_after
        if self._condemns(ending, lived) and self._step_down():
            return 0.0
        if lived >= self._options.settled:
            self._upgrade_wait = self._options.upgrade_first
        return self._back_off()

    def _after_failed_try(self, ending: Ending) -> float:
        if ending.kind is Kind.BLOCKED and self._index + 1 < len(self._rungs):
            self._index += 1
            return 0.0
        # The bottom failed too: whatever it is, it is not a matter of rungs, so the next round starts at the top.
        self._index = 0 if ending.kind is Kind.BLOCKED else self._home
        self._home = self._index
        delay = self._back_off()
        return delay if ending.retry_after is None else ending.retry_after

    def _condemns(self, ending: Ending, lived: float) -> bool:
        if ending.kind is Kind.SILENT:
            return True
        if ending.kind is not Kind.DIED or lived >= self._options.early:
            return False
        self._deaths += 1
        return self._fallback is not None or self._deaths >= self._options.early_deaths

    def _step_down(self) -> bool:
        below = self._fallback if self._fallback is not None else self._index + 1
        if below >= len(self._rungs):
            return False
        self._lose_patience()
        self._index = self._home = below
        self._fallback = None
        self._deaths = 0
        return True

    def _lose_patience(self) -> None:
        self._upgrade_wait = min(self._upgrade_wait * 2, self._options.upgrade_max)

    def _back_off(self) -> float:
        delay = full_jitter(self._attempt, self._options.backoff_base, self._options.backoff_cap, self._uniform)
        self._attempt += 1
        return delay
