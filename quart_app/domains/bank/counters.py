"""The bank's live counters, over all nodes: accounts watched, operations in flight, connections open.

Each is counted as it comes and goes, so that a tick costs one node the same however many there are. One node ticks for
all, and asks the others at each tick.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from quart_app.domains.bank.events import STATS, StatsUpdated
from quart_app.domains.bank.shapes import Statistics
from quart_app.realtime import Hub, Peer, Survey, limits

_QUESTION = "the bank's counters"


class LiveCounters:
    """The counters of the bank; `interval` is the seconds between two ticks while somebody follows the counters."""

    def __init__(self, hub: Hub, interval: float) -> None:
        self._hub = hub
        self._forget_after = 2 * interval
        self._watchers: dict[str, set[str]] = {}
        self._in_flight = 0
        self._most = 0
        self._ticked_at = time.monotonic()
        hub.nodes.answer(_QUESTION, self._here)

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

    async def now(self) -> tuple[Statistics, Survey]:
        """Return the counters as they are, for whoever asks between two ticks, and of which nodes they are."""
        return await self._counted(tick=False)

    async def tell(self) -> None:
        """Broadcast the counters, and begin to count operations anew: one tick."""
        statistics, _ = await self._counted(tick=True)
        updated = StatsUpdated(estadisticas=statistics)
        self._hub.broadcast(STATS, updated.type, data=updated)

    async def _counted(self, *, tick: bool) -> tuple[Statistics, Survey]:
        survey = await self._hub.nodes.survey(_QUESTION, tick)
        known, more, most, connections = set[str](), 0, 0, 0
        for watched, operations, open_now in survey.answers:
            if isinstance(watched, int):
                more += watched
            else:
                known.update(watched)
            most += operations
            connections += open_now
        return Statistics(len(known) + more, most, connections), survey

    async def _here(self, tick: bool) -> tuple[list[str] | int, int, int]:
        """Return this node's accounts that are watched, or how many they are, the most operations at once, and the
        connections. With `tick` operations are counted anew."""
        self._forget_old()
        most = self._most
        if tick:
            self._tick()
        watched = list(self._watchers) if len(self._watchers) <= limits.NAMES_TOLD else len(self._watchers)
        return watched, most, len(self._hub.connections)

    def _tick(self) -> None:
        self._most = self._in_flight
        self._ticked_at = time.monotonic()

    def _forget_old(self) -> None:
        """Begin anew where the last tick was long ago: nothing ticks while nobody follows the counters."""
        if time.monotonic() - self._ticked_at > self._forget_after:
            self._tick()
