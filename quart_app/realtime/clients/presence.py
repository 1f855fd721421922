"""Presence: a user is present in a topic while one of their connections, to any node, holds a lease on it.

A node keeps the connections of its own users, and tells the backplane of the first one and of the last; the backplane
knows of all nodes. A dropped connection's lease lingers, so that a reconnect or a change of transport shows nobody
leaving; an orderly leave ends it at once.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from quart_app.realtime import limits
from quart_app.realtime.clients.identity import Identity, user_on_wire
from quart_app.realtime.flow.backplane import Backplane, Entry
from quart_app.realtime.messages.event import Event


class _Stay:
    """One user in one topic: the connections that hold it, until when one that was lost may come back, and the timer of
    that."""

    __slots__ = ("connections", "entry", "leaving", "until")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.connections: set[str] = set()
        self.until = 0.0
        self.leaving: asyncio.TimerHandle | None = None


class Presence:
    """The keeper of the leases of this node's connections.

    `signals(topic, identity)` makes the two that tell of a user's coming and leaving: they come once per user, not per
    connection or node. `wall()` returns the time (ms since the Unix epoch).
    """

    def __init__(
        self,
        backplane: Backplane,
        signals: Callable[[str, Identity], tuple[Event, Event]],
        wall: Callable[[], int],
        linger: float = limits.LINGER,
    ) -> None:
        self._backplane = backplane
        self._signals = signals
        self._wall = wall
        self._linger = linger
        self._topics: dict[str, dict[str, _Stay]] = {}

    def enter(self, topic: str, identity: Identity, connection_id: str) -> None:
        """Give a connection a lease from now on."""
        users = self._topics.setdefault(topic, {})
        stay = users.get(identity.user_id)
        if stay is None or stay.entry.username != identity.username:
            entry = Entry(topic, identity.user_id, identity.username, *self._signals(topic, identity))
            if stay is None:
                stay = users[identity.user_id] = _Stay(entry)
            stay.entry = entry
            self._backplane.enter(entry)
        if stay.leaving is not None:
            stay.leaving.cancel()
            stay.leaving = None
        stay.until = 0.0
        stay.connections.add(connection_id)

    def leave(
        self, topic: str, identity: Identity, connection_id: str, *, orderly: bool, lingered: bool = False
    ) -> None:
        """End the lease of a connection: at once when it is `orderly`, else after the linger (s). One that has
        `lingered` already ends now, but its user stays for as long as another one lingers that was lost since."""
        stay = self._topics.get(topic, {}).get(identity.user_id)
        if stay is None or connection_id not in stay.connections:
            return
        stay.connections.remove(connection_id)
        loop = asyncio.get_running_loop()
        if not orderly and not lingered:
            stay.until = loop.time() + self._linger
        if stay.connections:
            return
        if orderly or stay.until <= loop.time():
            self._gone(stay)
        else:
            stay.leaving = loop.call_at(stay.until, self._gone, stay)

    def _gone(self, stay: _Stay) -> None:
        entry = stay.entry
        users = self._topics[entry.topic]
        del users[entry.user_id]
        if not users:
            del self._topics[entry.topic]
        entry.left.at = self._wall()
        self._backplane.leave(entry)

    def present(self, topic: str, newcomer: Identity | None = None) -> list[dict[str, Any]]:
        """Return the `{user_id, username}` of everybody who is in the topic on any node, in order of arrival, and of a
        `newcomer` of whom the others may not know yet."""
        people = dict(self._backplane.present(topic))
        if newcomer is not None:
            people[newcomer.user_id] = newcomer.username
        return [user_on_wire(*person) for person in people.items()]
