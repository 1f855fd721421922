"""Four ways to say who is there, as students see them."""

from collections.abc import Sequence
from statistics import fmean, pstdev

from quart_app.lab.lessons.presence.watcher import Watcher


async def eager(watcher: Watcher) -> None:
    """Half a second of silence is death."""

    def dead(gaps: Sequence[float], silent: float) -> bool:
        return silent > 0.5

    await watcher.by_silence(dead)


async def patient(watcher: Watcher) -> None:
    """A fixed time of silence is death: ten seconds, unless the knob says otherwise."""

    def dead(gaps: Sequence[float], silent: float) -> bool:
        return silent > watcher.limit

    await watcher.by_silence(dead)


async def adaptive(watcher: Watcher) -> None:
    """A silence that is unlike the last ones is death."""

    def dead(gaps: Sequence[float], silent: float) -> bool:
        return len(gaps) >= 10 and silent > fmean(gaps) + 4 * pstdev(gaps)

    await watcher.by_silence(dead)


async def lease(watcher: Watcher) -> None:
    """The engine's presence: who says goodbye is gone at once, whoever is cut off has 5 s to return."""
    async for name, here in watcher.presence():  # ← no silence is judged here: a lease ends
        watcher.believe(name, here)
