"""The choice of the rung to try, and of when to try a better one again. Pure: clock and dice come from the caller.

A rung is demoted only once a lower one came through: while nothing comes through at all it is the server or the
network that is away, and no rung is to blame. Better rungs are probed in the background, at growing intervals that
start anew after a rung has proved steady. The browser's `ladder.js` decides alike, by the same vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quart_app.client.options import MAX_STEP, Options


@dataclass(slots=True)
class Rung:
    """One transport; `step` counts demotions and failed probes since it was last steady, `deaths` early deaths in a
    row; `probe_at` is the time of the next background try, None for a rung that is not demoted."""

    name: str
    step: int = 0
    deaths: int = 0
    probe_at: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """The better rung to try next, and when."""

    name: str
    at: float


class Ladder:
    """The rungs, best first, and where we stand on them."""

    def __init__(self, names: Sequence[str], options: Options, uniform: Callable[[float, float], float]) -> None:
        """Make a ladder of `names`, transports, best first; `uniform(a, b)` draws the jitter."""
        self._rungs = [Rung(name) for name in names]
        self._options = options
        self._uniform = uniform
        self._home = 0
        self._failed: set[str] = set()

    def next(self) -> str | None:
        """Return the rung to try, from the one that worked last down, then the better ones; None if all have failed."""
        order = self._rungs[self._home :] + self._rungs[: self._home]
        return next((rung.name for rung in order if rung.name not in self._failed), None)

    def failed(self, name: str) -> None:
        """Note that the rung did not come through."""
        self._failed.add(name)

    def exhausted(self) -> None:
        """Note that nothing is reachable, so that no rung is to blame."""
        self._failed.clear()
        for rung in self._rungs:
            rung.deaths = 0

    def opened(self, name: str, now: float) -> None:
        """Note that the rung's first message came through."""
        self._home = self._rungs.index(self._rung(name))
        for index, rung in enumerate(self._rungs):
            if index >= self._home:
                rung.probe_at = None
            elif rung.name in self._failed or rung.probe_at is None:
                self._demote(rung, now)
        self._failed.clear()

    def dropped(self, name: str, lived: float) -> bool:
        """Note that an open connection ended by itself after `lived` seconds; return whether its rung is to be left."""
        rung = self._rung(name)
        self._trust(rung, lived)
        if lived >= self._options.early_death:
            rung.deaths = 0
            return False
        rung.deaths += 1
        # A rung that came back from a demotion and dies again is left at its first early death.
        if rung.deaths < (1 if rung.step else self._options.early_deaths):
            return False
        rung.deaths = 0
        self._failed.add(name)
        return True

    def stalled(self, name: str, lived: float) -> None:
        """Note that the heartbeats stayed away."""
        self._trust(self._rung(name), lived)
        self._failed.add(name)

    def next_probe(self) -> Probe | None:
        """Return the better rung to try next in the background, None where there is none."""
        better = [Probe(rung.name, rung.probe_at) for rung in self._rungs[: self._home] if rung.probe_at is not None]
        return min(better, key=lambda probe: probe.at, default=None)

    def probe_failed(self, name: str, now: float) -> None:
        """Note that the better rung did not come through, and leave it alone for longer."""
        self._demote(self._rung(name), now)

    def _rung(self, name: str) -> Rung:
        return next(rung for rung in self._rungs if rung.name == name)

    def _trust(self, rung: Rung, lived: float) -> None:
        if lived >= self._options.steady:
            rung.step = 0

    def _demote(self, rung: Rung, now: float) -> None:
        rung.step = min(rung.step + 1, MAX_STEP)
        delay = self._options.probe_first * 2.0 ** (rung.step - 1) * self._uniform(1.0, 2.0)
        rung.probe_at = now + min(self._options.probe_max, delay)
