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

    def spend(self, now: float, amount: float = 1.0) -> float:
        """Take `amount` and return 0.0; where there is less, return the seconds until there is as much again.

        An `amount` above the burst takes all that a full bucket has.
        """
        left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        amount = min(amount, self._burst)
        if left < amount:
            self._left = left
            return (amount - left) / self._rate
        self._left = left - amount
        return 0.0

    def is_full(self, now: float) -> bool:
        """Tell whether it is as if nothing had ever been taken."""
        return self._left + (now - self._at) * self._rate >= self._burst
