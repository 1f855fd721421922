"""The source of time, chance and ids for the engine and the client, which must also run where a test decides these.

This module uses the standard library only. All of `realtime` and `client` asks a `Surroundings` that it was handed, so
that a test or a simulation can run both on virtual time and repeat a run to the letter.
"""

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass


def _wall() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The real surroundings, which are used where no others are given.

    `time()` returns the seconds of a clock that never goes back, with any beginning. `wall()` returns the time of day
    in ms since the Unix epoch; it is for people to read and may jump. `token(n)` returns URL-safe text made of `n`
    bytes that nobody can guess. `uniform(a, b)` returns a number drawn between `a` and `b`.
    """

    time: Callable[[], float] = time.monotonic
    wall: Callable[[], int] = _wall
    token: Callable[[int], str] = secrets.token_urlsafe
    uniform: Callable[[float, float], float] = random.uniform


REAL = Surroundings()


def now() -> int:
    """Return the time of day in ms since the Unix epoch; it is for people to read, never for ordering."""
    return REAL.wall()
