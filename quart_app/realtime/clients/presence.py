"""Presence: a user is present in a topic while one of their connections holds a lease on it.

A dropped connection's lease lingers, so that a reconnect or a change of transport shows nobody
leaving; an orderly leave ends it at once.
"""

import asyncio
from collections.abc import Callable

from quart_app.realtime import limits
from quart_app.realtime.clients.identity import Identity


class _Stay:
    """One user in one topic: the connections that hold it, and the timer of the last one lost."""

    __slots__ = ("connections", "identity", "leaving")

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.connections: set[str] = set()
        self.leaving: asyncio.TimerHandle | None = None


class Presence:
    """The keeper of the leases. `joined` and `left` are called with (topic, identity) once per user, not per
    connection."""

    def __init__(
        self,
        joined: Callable[[str, Identity], None],
        left: Callable[[str, Identity], None],
        linger: float = limits.LINGER,
    ) -> None:
        self._joined = joined
        self._left = left
        self._linger = linger
        self._topics: dict[str, dict[str, _Stay]] = {}

    def enter(self, topic: str, identity: Identity, connection_id: str) -> None:
        """Give a connection a lease from now on."""
        users = self._topics.setdefault(topic, {})
        stay = users.get(identity.user_id)
        newcomer = stay is None
        if stay is None:
            stay = users[identity.user_id] = _Stay(identity)
        if stay.leaving is not None:
            stay.leaving.cancel()
            stay.leaving = None
        stay.identity = identity
        stay.connections.add(connection_id)
        if newcomer:
            self._joined(topic, identity)

    def leave(self, topic: str, identity: Identity, connection_id: str, *, orderly: bool) -> None:
        """End the lease of a connection: at once when it is `orderly`, else after the linger (s)."""
        stay = self._topics.get(topic, {}).get(identity.user_id)
        if stay is None or connection_id not in stay.connections:
            return
        stay.connections.remove(connection_id)
        if stay.connections:
            return
        if orderly:
            self._gone(topic, stay)
        else:
            loop = asyncio.get_running_loop()
            stay.leaving = loop.call_later(self._linger, self._gone, topic, stay)

    def _gone(self, topic: str, stay: _Stay) -> None:
        users = self._topics[topic]
        del users[stay.identity.user_id]
        if not users:
            del self._topics[topic]
        self._left(topic, stay.identity)

    def present(self, topic: str) -> list[Identity]:
        """Return who is in the topic, in order of arrival."""
        return [stay.identity for stay in self._topics.get(topic, {}).values()]
