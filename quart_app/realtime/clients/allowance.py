"""A token bucket: how much may be done at once, and how fast after that."""


class Allowance:
    """A bucket that grants `rate` tokens a second on average, and up to `burst` at once.

    Time is passed in (s of any clock that never goes back). What it refuses costs nothing.
    """

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = now

    def spend(self, now: float) -> float:
        """Take one and return 0.0; where there is none, return the seconds until there is one again."""
        left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if left < 1:
            self._left = left
            return (1 - left) / self._rate
        self._left = left - 1
        return 0.0
