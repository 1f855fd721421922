"""Looking at the engine of all nodes: who is connected, the state of the whole; and disconnecting.

What is told are the sums and the merged lists of what each node knows. The service reads the engine's counters and
keeps nothing.
"""

from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Any, Final, NamedTuple

from msgspec import convert
from msgspec.structs import asdict

from quart_app.config import Settings
from quart_app.domains.operations import rules
from quart_app.domains.operations.counts import Counts
from quart_app.domains.operations.requests import ConnectionsPage
from quart_app.domains.operations.shapes import (
    AddressLimitListed,
    ConnectionListed,
    ConnectionsFound,
    NodeListed,
    QuotaListed,
    ServerStatus,
)
from quart_app.realtime import (
    Connection,
    Histogram,
    Hub,
    Meeting,
    Refused,
    Survey,
    Traffic,
    Unanswered,
    limits,
    timestamp,
    wrong_fields,
)
from quart_app.security_log import Entry, SecurityLog
from quart_app.surroundings import now
from quart_app.wire import Close

DISCONNECTED: Final = "closed by the administrator"
_RETRY_AFTER: Final = 1000  # ms after which a client that was closed may come back

# What the nodes are asked
_NODE: Final = "a node"
_STATUS: Final = "the status"
_CONNECTIONS: Final = "the connections"
_LIMITS_MET: Final = "the limits that were met"
_NOTED: Final = "the security log"
_DISCONNECT: Final = "disconnect"


class LimitsMet(NamedTuple):
    """How often quotas and limits on addresses were met since the start, and by which addresses, the last one first."""

    quotas: list[QuotaListed]
    addresses: list[AddressLimitListed]
    lately: list[Meeting]


class Operations:
    """The use cases of the operations; all numbers are those of all nodes together."""

    def __init__(self, counts: Counts, security: SecurityLog, settings: Settings) -> None:
        self._settings = settings
        self._counts = counts
        self.hub: Hub = counts.hub
        self._security = security
        nodes = self.hub.nodes
        nodes.answer(_NODE, self._node)
        nodes.answer(_STATUS, self._status_here)
        nodes.answer(_CONNECTIONS, self._connections_here)
        nodes.answer(_LIMITS_MET, self._limits_met_here)
        nodes.answer(_NOTED, self._noted_here)
        nodes.answer(_DISCONNECT, self._disconnect)

    # The nodes

    async def nodes(self) -> list[NodeListed]:
        """Return all nodes by their names, those that do not answer too."""
        own, *others = (survey := await self.hub.nodes.survey(_NODE)).answers
        silent: list[NodeListed] = [{"name": name, "answers": False} for name in survey.silent]
        return sorted([{**own, "yours": True}, *others, *silent], key=lambda node: str(node["name"]))

    async def _node(self) -> NodeListed:
        counts, backplane = self._counts, self.hub.backplane
        return {
            "name": backplane.name,
            "answers": True,
            "yours": False,
            "since": timestamp(now() - round(1000 * counts.uptime)),
            "connections": counts.connections_by_transport(),
            "relay_lag": await counts.relay_lag(),
            "leads": sorted(self.hub.leases.held),
            "away": counts.backplane_away(),
        }

    # The state of the whole

    async def status(self) -> tuple[ServerStatus, Survey]:
        """Return the state of the servers since their start, and of which nodes that is."""
        survey = await self.hub.nodes.survey(_STATUS)
        totals, channels, taken = Counter[str](), Counter[str](), Histogram()
        for counts, followed, response_times, seconds in survey.answers:
            totals.update(counts)
            channels.update(followed)
            taken.counts = [sum(bucket) for bucket in zip(taken.counts, response_times, strict=True)]
            taken.total += seconds
        status: ServerStatus = {
            "total_connections": totals["connections"],
            "connections": dict(channels.most_common(rules.CHANNELS_LIMIT)),
            "messages_sent": totals["sent"],
            "messages_received": totals["received"],
            "errors": totals["errors"],
            "response_time_ms": {
                "mean": round(taken.mean * 1000, 3) if taken.count else None,
                "p95": _p95(taken),
            },
            "uptime_seconds": max(counts["uptime"] for counts, *_ in survey.answers),
        }
        return status, survey

    async def _status_here(self) -> tuple[dict[str, float], dict[str, int], list[int], float]:
        """Return this node's numbers, its channels with their connections, and its histogram of response times."""
        connections, counters = self.hub.connections.values(), self.hub.counters
        channels = Counter(topic for one in connections for topic in one.topics)
        total = Traffic()
        for traffic in self._counts.traffic().values():
            total = total.plus(traffic)
        numbers = {
            "connections": len(connections),
            "sent": total.sent,
            "received": total.received,
            "errors": counters.errors.total(),
            "uptime": self._counts.uptime,
        }
        most = dict(channels.most_common(limits.NAMES_TOLD))
        return numbers, most, list(counters.commands.counts), counters.commands.total

    # Limits

    async def limits_met(self) -> LimitsMet:
        """Return what one user, and one address before anybody knows who it is, may have of each thing, and how often
        somebody has met that since the start."""
        quotas, addresses, lately = Counter[str](), Counter[str](), list[Meeting]()
        for met, totals, meetings in (await self.hub.nodes.survey(_LIMITS_MET)).answers:
            quotas.update(met)
            addresses.update(totals)
            lately += [Meeting(*meeting) for meeting in meetings]
        most = {
            "open": self._settings.address_connections,
            "new": self._settings.address_rate,
            "silent": limits.SILENT_PER_ADDRESS,
        }
        return LimitsMet(
            [
                {"name": name, "most": number, "met": quotas[f"quota_{name}"]}
                for name, number in asdict(self.hub.quotas.quota).items()
            ],
            [{"name": name, "most": number, "met": addresses[name]} for name, number in most.items()],
            sorted(lately, key=lambda meeting: meeting.at, reverse=True)[: limits.ADDRESSES_SHOWN],
        )

    async def _limits_met_here(self) -> tuple[dict[str, int], dict[str, int], list[Meeting]]:
        counters = self.hub.counters
        return counters.quotas, counters.addresses.totals, counters.addresses.lately

    # Connections

    async def connections(self, asked: ConnectionsPage) -> tuple[ConnectionsFound, Survey]:
        """Return the page of connections that `asked` wants, and of which nodes it is. Raise Refused (`bad_request`)
        for a page too far behind for several nodes."""
        first = (asked.page - 1) * asked.limit
        end = first + asked.limit
        together = bool(self.hub.backplane.others)
        if together and end > limits.ROWS_TOLD:
            raise wrong_fields({"page": f"one of the first {limits.ROWS_TOLD} connections; search for the others"})
        # Which rows are before those of the page, is known when the first rows of all nodes are.
        begin = 0 if together else first
        survey = await self.hub.nodes.survey(_CONNECTIONS, asked.q, asked.sort, begin, end)
        rows = [row for _, some in survey.answers for row in some]
        if together:
            rows.sort(key=lambda row: (row[1]["opened_at"], row[1]["handle"]))
            rows.sort(key=lambda row: row[0], reverse=asked.sort.startswith("-"))
        total = sum(count for count, _ in survey.answers)
        return {"total": total, "connections": [row for _, row in rows[first - begin : end - begin]]}, survey

    async def _connections_here(
        self, q: str, sort: str, begin: int, end: int
    ) -> tuple[int, list[tuple[Any, ConnectionListed]]]:
        """Return how many connections of this node match, and a part of them in their order, each with what it is
        sorted by."""
        wanted = q.casefold().strip()
        found = [one for one in self.hub.connections.values() if not wanted or wanted in _words(one)]
        order = _ORDER[sort.removeprefix("-")]
        # The order of opening decides between equals, so that a list that is asked for again stands still.
        found.sort(key=order, reverse=sort.startswith("-"))
        shown = found[begin:end]
        for connection in shown:
            connection.measure()
        return len(found), [(order(connection), _listed(connection)) for connection in shown]

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

    async def noted(self, limit: int) -> tuple[list[Entry], Survey]:
        """Return the last lines of the security log, the newest first, and of which nodes they are."""
        survey = await self.hub.nodes.survey(_NOTED, limit)
        lines = [convert(line, Entry) for some in survey.answers for line in some]
        if len(survey.answers) > 1:
            lines.sort(key=lambda line: line.at, reverse=True)
        return lines[:limit], survey

    async def _noted_here(self, limit: int) -> list[Entry]:
        return list(islice(reversed(self._security.recent), limit))


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
    "user": lambda one: [one.identity.username.casefold(), one.identity.user_id],  # as it comes from other nodes
    "transport": lambda one: one.transport,
    "opened": lambda one: one.opened_at,
    "sent": lambda one: one.traffic.sent,
    "dropped": lambda one: one.dropped,
    "lag": lambda one: one.lag,
    "rtt": lambda one: -1.0 if one.rtt is None else one.rtt,
}
