"""The counts of this node: what its engine and its process have done since the start."""

import asyncio
import time
from collections import Counter

from quart_app.domains.operations.process import LoopLag, resident_memory
from quart_app.domains.operations.tallies import Tally
from quart_app.realtime import Hub, Traffic
from quart_app.security_log import SecurityLog


class Counts:
    """The counts of `hub` and of this process."""

    def __init__(self, hub: Hub, security: SecurityLog) -> None:
        self.hub = hub
        self._security = security
        self.lag = LoopLag()
        self._started = time.monotonic()

    @property
    def uptime(self) -> float:
        """The seconds since the program was put together."""
        return round(time.monotonic() - self._started, 3)

    def connections_by_transport(self) -> dict[str, int]:
        """Return how many connections are open now, by transport."""
        open_now = Counter(connection.transport for connection in self.hub.connections.values())
        return {**dict.fromkeys(("ws", "sse", "poll"), 0), **open_now}

    def traffic(self) -> dict[str, Traffic]:
        """Return what went to connections and came from them since the start, by transport."""
        return self.hub.counters.traffic((one.transport, one.traffic) for one in self.hub.connections.values())

    async def relay_lag(self) -> int:
        """Return how many positions the bus is behind the log."""
        return max(0, await self.hub.log.head() - self.hub.position)

    def behind(self) -> int:
        """Return how many subscriptions do not stand at the head."""
        return sum(connection.behind for connection in self.hub.connections.values())

    def backplane_away(self) -> float | None:
        """Return the seconds since which the backplane between the nodes is not reached; None while it is."""
        since = self.hub.backplane.away_since
        return None if since is None else round(asyncio.get_running_loop().time() - since, 1)

    async def tally(self) -> Tally:
        """Return all counts as they are now."""
        self.lag.watch()
        relay_lag = await self.relay_lag()
        counters, traffic, memory = self.hub.counters, self.traffic(), self.hub.memory()
        return Tally(
            tag=self.hub.backplane.tag,
            at=time.monotonic(),
            uptime=self.uptime,
            cpu=time.process_time(),
            published=dict(counters.published),
            sent={transport: one.sent for transport, one in traffic.items()},
            sent_bytes=sum(one.sent_bytes for one in traffic.values()),
            received=sum(one.received for one in traffic.values()),
            units=counters.groups.total,
            delivery=list(counters.delivery.counts),
            commits=list(counters.commits.counts),
            commands=list(counters.commands.counts),
            loop_lag=list(self.lag.seconds.counts),
            connections=self.connections_by_transport(),
            topics=memory.followed,
            relay_lag=relay_lag,
            behind=self.behind(),
            opened=counters.opened.total(),
            closed=counters.closed.total(),
            errors=counters.errors.total(),
            noted=self._security.written,
            resets=counters.resets,
            gaps=counters.gaps,
            dropped=counters.dropped,
            tail_events=memory.events,
            tail_bytes=memory.bytes,
            memory=resident_memory(),
        )
