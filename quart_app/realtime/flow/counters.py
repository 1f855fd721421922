"""What the engine has done so far: plain numbers that only grow, for whoever wants to show them.

Counting is always on and next to free: what happens often is counted once a batch, or summed over the
connections when somebody asks. Rates, percentiles and formats are the reader's affair.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from quart_app.realtime import limits

# The E6 series (IEC 60063): six steps a decade, so that a percentile read from it is wrong by a fifth at most.
_E6 = (1.0, 1.5, 2.2, 3.3, 4.7, 6.8)
SECONDS: Final = (*(round(step * 10.0**decade, 5) for decade in range(-4, 1) for step in _E6), 10.0)
UNITS: Final = tuple(float(1 << power) for power in range(9))  # of work in one transaction


class Histogram:
    """A histogram, which counts the values up to each of `bounds` and above the last one, and sums them up."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Iterable[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count `value` as many times as `times` says."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """The mean of the values, 0 where nothing was counted."""
        return self.total / (self.count or 1)


class Traffic(NamedTuple):
    """The traffic of connections: `sent` and `received` count messages, `sent_bytes` the bytes on the wire."""

    sent: int = 0
    sent_bytes: int = 0
    received: int = 0

    def plus(self, other: "Traffic") -> "Traffic":
        return Traffic(*map(int.__add__, self, other))


class Meeting(NamedTuple):
    """The times that `address` has met `limit`, and when the last was (ms since the Unix epoch)."""

    address: str
    limit: str
    times: int
    at: int


class Meetings:
    """How often each limit on addresses was met since the start, in `totals`, and by whom `lately`."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self._lately: dict[tuple[str, str], Meeting] = {}

    @property
    def lately(self) -> list[Meeting]:
        """The addresses that have met a limit, the last one first, as far as there is room to remember them."""
        return list(reversed(self._lately.values()))

    def count(self, address: str, limit: str, at: int) -> None:
        """Count that `address` has met `limit` at `at` (ms since the Unix epoch)."""
        self.totals[limit] += 1
        before = self._lately.pop((address, limit), None)
        self._lately[address, limit] = Meeting(address, limit, 1 if before is None else before.times + 1, at)
        if len(self._lately) > limits.ADDRESSES_SHOWN:
            del self._lately[next(iter(self._lately))]


class Counters:
    """The numbers of one engine.

    Connections are counted in `opened` by transport and in `closed` by transport and close code; `past` is the traffic
    of the closed ones by transport. `published` counts events by kind, `errors` what clients were told by code,
    `quotas` how often a user has met a quota, by code as well, and `addresses` how often an address has met a limit.

    Three histograms are in seconds: `delivery` goes from an event's arrival on the bus until its peer's transport has
    it, `commands` from a client's message to the end of its handling, `commits` over a transaction of the writer, whose
    units of work are counted in `groups`.
    """

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self.closed: Counter[tuple[str, int]] = Counter()
        self.past: dict[str, Traffic] = {}
        self.published: Counter[str] = Counter(durable=0, state=0, signal=0)
        self.errors: Counter[str] = Counter()
        self.quotas: Counter[str] = Counter()
        self.addresses = Meetings()
        self.delivery = Histogram()
        self.commands = Histogram()
        self.commits = Histogram()
        self.groups = Histogram(UNITS)
        self.resets = 0
        self.gaps = 0
        self.dropped = 0
        """Signals that `gaps` told of."""

    def traffic(self, open_now: Iterable[tuple[str, Traffic]]) -> dict[str, Traffic]:
        """Return all traffic since the start by transport, with that of the connections that are `open_now`."""
        traffic = dict(self.past)
        for transport, own in open_now:
            traffic[transport] = traffic.get(transport, Traffic()).plus(own)
        return traffic

    def count_closed(self, transport: str, code: int, traffic: Traffic) -> None:
        """Count a connection that is over, and its traffic."""
        self.closed[transport, code] += 1
        self.past[transport] = self.past.get(transport, Traffic()).plus(traffic)
