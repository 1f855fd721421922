"""The door of a server: what it can do in a second, and what it does with those who come when it cannot."""

QUEUE = 1.0
"""The work that may wait at the door (s); who comes when there is more is turned away."""


class Door:
    """Lets in `rate` clients a second. To turn somebody away costs `refusal` of what it costs to let them in."""

    def __init__(self, rate: float, refusal: float) -> None:
        self._entry = 1.0 / rate
        self._refusal = refusal / rate
        self.opens = 0.0
        """When there is somebody at the door again (s)."""
        self.futile = 0.0
        """Since when it has been busy without a pause and has let nobody in (s)."""
        self._free = 0.0

    def shut(self, opens: float) -> None:
        """Forget those who wait; there is nobody at the door until `opens`."""
        self.opens = self._free = self.futile = opens

    def knock(self, at: float) -> float | None:
        """Return when somebody who knocks is in, None where they are turned away or nobody is there."""
        if at < self.opens:
            return None
        if self._free <= at:
            self._free = self.futile = at
        if self._free - at >= QUEUE:
            self._free += self._refusal
            return None
        self._free = self.futile = self._free + self._entry
        return self._free

    def busy_in_vain(self, at: float) -> float:
        """Return for how long it has done nothing but turn people away (s)."""
        return at - self.futile if self._free > at else 0.0
