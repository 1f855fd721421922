"""The bank's live counters: accounts watched, operations in flight, connections open.

Each is counted as it comes and goes, so that a tick costs the same however many there are.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from quart_app.domains.bank.events import STATS, StatsUpdated
from quart_app.domains.bank.shapes import Statistics
from quart_app.realtime import Hub, Peer


class LiveCounters:
    """The counters of the bank; `interval` is the seconds between two ticks while somebody follows the counters."""

    def __init__(self, hub: Hub, interval: float) -> None:
        self._hub = hub
        self._forget_after = 2 * interval
        self._watchers: dict[str, set[str]] = {}
        self._in_flight = 0
        self._most = 0
        self._ticked_at = time.monotonic()

    def watch(self, peer: Peer) -> None:
        """Count the peer's connection among those that watch its topic's account."""
        self._watchers.setdefault(peer.topic, set()).add(peer.connection_id)

    def unwatch(self, peer: Peer) -> None:
        """Count the peer's connection no more; one that was never counted changes nothing."""
        watchers = self._watchers.get(peer.topic, set())
        watchers.discard(peer.connection_id)
        if not watchers:
            self._watchers.pop(peer.topic, None)

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Count an operation as in flight for as long as the context lasts."""
        self._forget_old()
        self._in_flight += 1
        self._most = max(self._most, self._in_flight)
        try:
            yield
        finally:
            self._in_flight -= 1

    def now(self) -> Statistics:
        """Return the counters as they are, for whoever asks between two ticks."""
        self._forget_old()
        return Statistics(len(self._watchers), self._most, len(self._hub.connections))

    async def tell(self) -> None:
        """Broadcast the counters, and begin to count operations anew: one tick."""
        updated = StatsUpdated(estadisticas=self.now())
        self._tick()
        self._hub.broadcast(STATS, updated.type, data=updated)

    def _tick(self) -> None:
        self._most = self._in_flight
        self._ticked_at = time.monotonic()

    def _forget_old(self) -> None:
        """Begin anew where the last tick was long ago: nothing ticks while nobody follows the counters."""
        if time.monotonic() - self._ticked_at > self._forget_after:
            self._tick()
