"""Looking at the engine: what it did since the last look, who is connected, the state of the whole; and disconnecting.

The service reads the engine's counters and never keeps more than the looks of the last minutes.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from msgspec.structs import asdict

from quart_app.config import Settings
from quart_app.domains.operations import rules
from quart_app.domains.operations.events import LOOK, TOPIC, Before, Look, Sample
from quart_app.domains.operations.process import LoopLag, resident_memory
from quart_app.domains.operations.requests import ConnectionsPage
from quart_app.domains.operations.rules import Tally
from quart_app.domains.operations.shapes import (
    AddressLimitListed,
    ConnectionListed,
    ConnectionsFound,
    QuotaListed,
    ServerStatus,
)
from quart_app.realtime import (
    Connection,
    Histogram,
    Hub,
    Meeting,
    Refused,
    Traffic,
    Unanswered,
    limits,
    public_id_of,
    timestamp,
)
from quart_app.security_log import Entry, SecurityLog
from quart_app.surroundings import now
from quart_app.wire import Close

DISCONNECTED: Final = "closed by the administrator"
_DISCONNECT: Final = "disconnect"
_RETRY_AFTER: Final = 1000  # ms after which a client that was closed may come back


class Operations:
    """The use cases of the operations; all numbers are those of this process."""

    def __init__(self, hub: Hub, security: SecurityLog, settings: Settings) -> None:
        self._settings = settings
        self.hub = hub
        hub.nodes.answer(_DISCONNECT, self._disconnect)
        self.security = security
        self.lag = LoopLag()
        self.started = time.monotonic()
        self._last: Tally | None = None
        self._samples: deque[Sample] = deque(maxlen=rules.SAMPLES_KEPT)

    @property
    def uptime(self) -> float:
        """The seconds since the program was put together."""
        return round(time.monotonic() - self.started, 3)

    def connections_by_transport(self) -> dict[str, int]:
        """Return how many connections are open now, by transport."""
        open_now = Counter(connection.transport for connection in self.hub.connections.values())
        return {**dict.fromkeys(("ws", "sse", "poll"), 0), **open_now}

    def traffic(self) -> dict[str, Traffic]:
        """Return what went to connections and came from them since the start, by transport."""
        return self.hub.counters.traffic((one.transport, one.traffic) for one in self.hub.connections.values())

    # Looks

    def before(self, connection_id: str) -> Before:
        """Return the looks of the last minutes, for the connection that begins to watch."""
        return Before(list(self._samples), public_id_of(connection_id))

    async def look(self) -> None:
        """Broadcast what happened since the last look; after a pause only note the counts, for the next one to compare
        with."""
        self.lag.watch()
        counts = self._counts()
        last, self._last = self._last, counts
        if last is None or counts.at - last.at > rules.STALE:
            return
        look = self._compare(last, counts, await self.relay_lag())
        self._samples.append(Sample(timestamp(now()), look))
        self.hub.broadcast(TOPIC, LOOK, data=look)

    async def relay_lag(self) -> int:
        """Return how many positions the bus is behind the log."""
        return max(0, await self.hub.log.head() - self.hub.position)

    def behind(self) -> int:
        """Return how many subscriptions do not stand at the head."""
        return sum(connection.behind for connection in self.hub.connections.values())

    def _counts(self) -> Tally:
        counters, traffic = self.hub.counters, self.traffic()
        return Tally(
            at=time.monotonic(),
            cpu=time.process_time(),
            published=dict(counters.published),
            sent={transport: one.sent for transport, one in traffic.items()},
            sent_bytes=sum(one.sent_bytes for one in traffic.values()),
            received=sum(one.received for one in traffic.values()),
            units=counters.groups.total,
            delivery=tuple(counters.delivery.counts),
            commits=tuple(counters.commits.counts),
            commands=tuple(counters.commands.counts),
            loop_lag=tuple(self.lag.seconds.counts),
        )

    def _compare(self, last: Tally, counts: Tally, relay_lag: int) -> Look:
        seconds = counts.at - last.at
        counters, memory = self.hub.counters, self.hub.memory()
        commits = sum(counts.commits) - sum(last.commits)
        bounds = counters.delivery.bounds
        return Look(
            uptime=self.uptime,
            connections=self.connections_by_transport(),
            topics=memory.followed,
            published=rules.per_second(last.published, counts.published, seconds),
            delivered=rules.per_second(last.sent, counts.sent, seconds),
            received=rules.rate(last.received, counts.received, seconds),
            sent_bytes=rules.rate(last.sent_bytes, counts.sent_bytes, seconds),
            commits=rules.rate(0, commits, seconds),
            group=round((counts.units - last.units) / commits, 2) if commits else None,
            delivery=rules.spread(bounds, last.delivery, counts.delivery),
            commit=rules.spread(bounds, last.commits, counts.commits),
            command=rules.spread(bounds, last.commands, counts.commands),
            loop_lag=rules.spread(bounds, last.loop_lag, counts.loop_lag),
            relay_lag=relay_lag,
            behind=self.behind(),
            opened=counters.opened.total(),
            closed=counters.closed.total(),
            errors=counters.errors.total(),
            noted=self.security.written,
            resets=counters.resets,
            gaps=counters.gaps,
            dropped=counters.dropped,
            tail_events=memory.events,
            tail_bytes=memory.bytes,
            memory=resident_memory(),
            cpu=rules.rate(last.cpu, counts.cpu, seconds),
        )

    # The state of the whole

    def status(self) -> ServerStatus:
        """Return the state of the server since its start."""
        connections, counters = self.hub.connections.values(), self.hub.counters
        channels = Counter(topic for one in connections for topic in one.topics)
        total = Traffic()
        for traffic in self.traffic().values():
            total = total.plus(traffic)
        return {
            "total_connections": len(connections),
            "connections": dict(channels.most_common(rules.CHANNELS_LIMIT)),
            "messages_sent": total.sent,
            "messages_received": total.received,
            "errors": counters.errors.total(),
            "response_time_ms": {
                "mean": round(counters.commands.mean * 1000, 3) if counters.commands.count else None,
                "p95": _p95(counters.commands),
            },
            "uptime_seconds": self.uptime,
        }

    def quotas(self) -> list[QuotaListed]:
        """Return what one user may have of each thing, and how often somebody has met that since the start."""
        met = self.hub.counters.quotas
        return [
            {"name": name, "most": most, "met": met[f"quota_{name}"]}
            for name, most in asdict(self.hub.quotas.quota).items()
        ]

    def address_limits(self) -> list[AddressLimitListed]:
        """Return what one address may have before anybody knows who it is, and how often one has met that since the
        start."""
        met = self.hub.counters.addresses.totals
        most = {
            "open": self._settings.address_connections,
            "new": self._settings.address_rate,
            "silent": limits.SILENT_PER_ADDRESS,
        }
        return [{"name": name, "most": number, "met": met[name]} for name, number in most.items()]

    def addresses_met(self) -> list[Meeting]:
        """Return the addresses that have met such a limit, the last one first."""
        return self.hub.counters.addresses.lately

    # Connections

    def connections(self, asked: ConnectionsPage) -> ConnectionsFound:
        """Return the page of connections that `asked` wants."""
        wanted = asked.q.casefold().strip()
        found = [one for one in self.hub.connections.values() if not wanted or wanted in _words(one)]
        column = asked.sort.removeprefix("-")
        # The order of opening decides between equals, so that a list that is asked for again stands still.
        found.sort(key=_ORDER[column], reverse=asked.sort.startswith("-"))
        first = (asked.page - 1) * asked.limit
        shown = found[first : first + asked.limit]
        for connection in shown:
            connection.measure()
        return {"total": len(found), "connections": [_listed(connection) for connection in shown]}

    async def disconnect(self, public_id: str) -> str:
        """Close the connection that `public_id` names, and return the id of its user. Raise Refused
        (`connection_not_found`, 404)."""
        try:
            whose = await self._disconnect(public_id) or await self.hub.nodes.find(_DISCONNECT, public_id)
        except Unanswered as error:
            raise Refused("unavailable", "a node that may have it does not answer", status=503) from error
        if whose is None:
            raise Refused("connection_not_found", "there is no such connection any more", status=404)
        return str(whose)

    async def _disconnect(self, public_id: str) -> str | None:
        for connection in list(self.hub.connections.values()):
            if connection.public_id == public_id:
                connection.end(Close.POLICY, DISCONNECTED, back_in=_RETRY_AFTER)
                return connection.identity.user_id
        return None

    # The security log

    def noted(self, limit: int) -> list[Entry]:
        """Return the last lines of the security log, the newest first."""
        return list(islice(reversed(self.security.recent), limit))


def _listed(connection: Connection) -> ConnectionListed:
    identity, traffic = connection.identity, connection.traffic
    user: dict[str, Any] = identity.user
    return {
        "handle": connection.public_id,
        "user_id": user["user_id"],
        "username": user["username"],
        "role": identity.role,
        "transport": connection.transport,
        "door": connection.door,
        "topics": list(connection.topics),
        "opened_at": timestamp(connection.opened_at),
        "sent": traffic.sent,
        "sent_bytes": traffic.sent_bytes,
        "received": traffic.received,
        "dropped": connection.dropped,
        "lag": connection.lag,
        "rtt": None if connection.rtt is None else round(connection.rtt * 1000, 2),
        "agent": connection.agent,
    }


def _p95(histogram: Histogram) -> float | None:
    seconds = rules.quantile(histogram.bounds, histogram.counts, 0.95)
    return None if seconds is None else round(seconds * 1000, 3)


def _words(connection: Connection) -> str:
    """Return the text of a connection that a search looks through."""
    identity = connection.identity
    words = (
        identity.username,
        identity.user_id,
        connection.transport,
        connection.agent,
        connection.door,
        *connection.topics,
    )
    return "\n".join(words).casefold()


_ORDER: Final[dict[str, Callable[[Connection], Any]]] = {
    "user": lambda one: (one.identity.username.casefold(), one.identity.user_id),
    "transport": lambda one: one.transport,
    "opened": lambda one: one.opened_at,
    "sent": lambda one: one.traffic.sent,
    "dropped": lambda one: one.dropped,
    "lag": lambda one: one.lag,
    "rtt": lambda one: -1.0 if one.rtt is None else one.rtt,
}
