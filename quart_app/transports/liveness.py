"""What is done about the silence of a connection, whatever is below it."""

import asyncio
from typing import Protocol

from quart_app.realtime import Connection, Hub, Message, limits
from quart_app.wire import Close


class Peer(Protocol):
    """The other end of a connection, as its protocol shows it."""

    comment: Message | None
    """The message that keeps proxies from cutting a silent line and that no client hears; None where none is needed."""

    @property
    def heard_at(self) -> float:
        """The time (s, the loop's clock) when the peer last gave a sign of life."""

    @property
    def gone(self) -> bool:
        """Tell whether the peer is gone; whoever serves it should have been told so."""

    @property
    def stalled_since(self) -> float | None:
        """The time (s, the loop's clock) since when the peer has not taken what was written, None where it takes it."""

    def ping(self) -> bool:
        """Ask the peer for a sign of life; return whether that can be done."""

    def drop(self) -> None:
        """Cut the peer off at once, with all that is on its way."""


class Liveness:
    """The silences of one connection: what is said in them, and the end of a peer that is stalled or lost.

    It begins at once, and ends by `stop`.
    """

    __slots__ = ("_commented_at", "_connection", "_hub", "_peer", "_pinged_at", "_said_at")

    def __init__(self, hub: Hub, connection: Connection, peer: Peer) -> None:
        self._hub = hub
        self._connection = connection
        self._peer: Peer | None = peer
        self._said_at = self._commented_at = asyncio.get_running_loop().time()
        self._pinged_at: float | None = None
        hub.wheel.enter(self, hub.heartbeat if peer.comment is None else min(hub.heartbeat, limits.SSE_COMMENT))

    def stop(self) -> None:
        """End, and let go of the peer."""
        self._hub.wheel.leave(self)
        self._peer = None

    def ring(self, now: float) -> float | None:
        """Act on silence, if there was any; return the seconds until there may be."""
        peer, connection = self._peer, self._connection
        if peer is None:
            return None
        due = max(self._said_at, connection.written_at) + self._hub.heartbeat
        if now >= due:
            self._said_at = now
            self._act(peer, now)
            due = now + self._hub.heartbeat
        if peer.comment is None:
            return due - now
        comment_due = max(self._said_at, self._commented_at, connection.written_at) + limits.SSE_COMMENT
        if now >= comment_due:
            self._commented_at = now
            if connection.waits and not connection.owes:
                connection.reply(peer.comment)
            comment_due = now + limits.SSE_COMMENT
        return min(due, comment_due) - now

    def _act(self, peer: Peer, now: float) -> None:
        """The peer is gone, or stalled, or lost, or there was nothing to say."""
        if peer.gone:
            self._connection.peer_ended(None)
            peer.drop()
        elif peer.stalled_since is not None:
            self._pinged_at = None
            if now - peer.stalled_since > self._hub.peer_timeout:
                self._connection.end(Close.TOO_SLOW, "it took nothing for too long")
                peer.drop()  # an ending in order would have to wait behind what the peer does not take
        elif self._pinged_at is not None and peer.heard_at < self._pinged_at:
            self._connection.end(Close.TOO_SLOW, "it answers no ping")
        else:
            self._connection.heartbeat()
            asked_at = (
                asyncio.get_running_loop().time()
            )  # the wheel may be ahead of the clock that answers are noted by
            if peer.ping():
                self._pinged_at = asked_at
