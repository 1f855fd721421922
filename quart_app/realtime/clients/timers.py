"""The one timer of the loop for all that connections wait for, and what goes off by it: silence, and a time of day.

Who waits has an entry in a wheel, which moves on only when it is due, so that what is sent meanwhile moves nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from contextvars import Context
from heapq import heappop, heappush
from itertools import islice
from math import ceil, floor
from typing import Final, Protocol

from quart_app.realtime import limits

logger = logging.getLogger(__name__)

_LOOK: Final = 60.0  # s between looks at the clock: a timer alone counts no time while the machine sleeps
_Bucket = dict["Beating", None]


class Beating(Protocol):
    """Whoever is called by a wheel; one is told from another by its hash."""

    def ring(self, now: float) -> float | None:
        """Do what is due at `now` (s, the loop's clock).

        Return the seconds until the next call, or None for no further one.
        """


class Wheel:
    """The timer of many: it calls each not before its time, and at most `limits.WHEEL_TICK` later.

    Who is due in the same tick shares a bucket, and the loop has one timer, for the first bucket. Where many are due at
    once, others get their turns of the loop in between; where the loop stood still, each is called once for all that it
    missed.
    """

    def __init__(self) -> None:
        self._bucket_of: dict[Beating, _Bucket] = {}
        self._buckets: dict[int, _Bucket] = {}
        self._numbers: list[int] = []
        """The numbers of all buckets, as a heap; a number is the bucket's time in ticks."""
        self._reached = 0
        """The number up to which this wheel has turned."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_number = 0
        self._context = Context()
        """The context of the timer: that of whoever enters would be kept until then."""

    def enter(self, owner: Beating, after: float) -> None:
        """Call `owner.ring` in `after` seconds, and again when it says so; an earlier entry of the same is moved."""
        self.leave(owner)
        self._place(owner, asyncio.get_running_loop().time() + after)
        self._set_timer()

    def leave(self, owner: Beating) -> None:
        """Call `owner` no more, even where it is being called now. Idempotent."""
        bucket = self._bucket_of.pop(owner, None)
        if bucket is not None:
            del bucket[owner]

    def __len__(self) -> int:
        """Return how many have entered and not left."""
        return len(self._bucket_of)

    def _place(self, owner: Beating, due: float) -> None:
        number = max(ceil(due / limits.WHEEL_TICK), self._reached + 1)
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = self._buckets[number] = {}
            heappush(self._numbers, number)
        bucket[owner] = None
        self._bucket_of[owner] = bucket

    def _first(self) -> int | None:
        """Return the number of the first bucket that somebody is in, None where nobody is in any."""
        while self._numbers:
            number = self._numbers[0]
            if self._buckets[number]:
                return number
            heappop(self._numbers)
            del self._buckets[number]
        return None

    def _set_timer(self) -> None:
        first = self._first()
        if first is None or (self._timer is not None and self._timer_number <= first):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_number = first
        when = first * limits.WHEEL_TICK
        self._timer = asyncio.get_running_loop().call_at(when, self._turn, context=self._context)

    def _turn(self) -> None:
        # A timer may go off a little early.
        now = max(asyncio.get_running_loop().time(), self._timer_number * limits.WHEEL_TICK)
        self._reached = floor(now / limits.WHEEL_TICK)
        try:
            self._ring_some(now)
        finally:
            self._timer = None
            self._set_timer()

    def _ring_some(self, now: float) -> None:
        left = limits.RINGS_AT_ONCE
        while left and (first := self._first()) is not None and first <= self._reached:
            bucket = self._buckets[first]
            owners = list(islice(bucket, left))
            left -= len(owners)
            for owner in owners:
                if owner in bucket:  # else one of those before it has made it leave
                    self._ring(owner, bucket, now)

    def _ring(self, owner: Beating, bucket: _Bucket, now: float) -> None:
        try:
            after = owner.ring(now)
        except Exception:
            logger.exception("%r failed when it was due, and is called no more", owner)
            after = None
        if owner in bucket:  # else it has left meanwhile, or entered anew
            del bucket[owner]
            if after is None:
                del self._bucket_of[owner]
            else:
                self._place(owner, now + after)


class Deadline:
    """A timer that calls `passed` once when the time of day has reached `at`, unless it was cancelled.

    `at` is in s since the Unix epoch, and `wall()` tells the time in ms since then. However the clock is set or the
    machine sleeps meanwhile, the deadline is met.
    """

    __slots__ = ("_at", "_passed", "_wall", "_wheel")

    def __init__(self, wheel: Wheel, at: float, passed: Callable[[], None], wall: Callable[[], int]) -> None:
        self._wheel = wheel
        self._at = at
        self._passed = passed
        self._wall = wall
        wheel.enter(self, self._next_look())

    def cancel(self) -> None:
        """Never call `passed`."""
        self._wheel.leave(self)

    def ring(self, now: float) -> float | None:
        """Call `passed` where it is time; else return the seconds until the next look at the clock."""
        wait = self._next_look()
        if wait > 0:
            return wait
        self._passed()
        return None

    def _next_look(self) -> float:
        return min(self._at - self._wall() / 1000, _LOOK)
