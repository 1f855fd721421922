"""Exponential back-off with full jitter. Pure: the randomness is passed in."""

from __future__ import annotations

from collections.abc import Callable

# 2**16 times any base is past any cap; beyond it the power would only grow without use.
HIGHEST_EXPONENT = 16


def full_jitter(attempt: int, base: float, cap: float, uniform: Callable[[float, float], float]) -> float:
    """Returns the seconds to wait before try number `attempt` (0, 1, 2 …).

    Uniform between 0 and min(cap, base * 2**attempt), so that clients cut off together do not come back together.
    """
    ceiling = min(cap, base * 2.0 ** min(attempt, HIGHEST_EXPONENT))
    return uniform(0.0, ceiling)
