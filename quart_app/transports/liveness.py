"""What is done about the silence of a connection, whatever is below it."""

import asyncio

from quart_app.realtime import Connection, Hub, Message, limits
from quart_app.wire import Close


class Liveness:
    """The silences of one connection: what is said in them, and the end of a peer that is stalled or lost.

    A subclass says what its protocol can do about them. It starts by `watch` and ends by `rest`. `stalled_since` is
    since when the peer has not taken what was written (s, the loop's clock).
    """

    __slots__ = ()

    connection: Connection
    hub: Hub
    stalled_since: float | None

    @property
    def heard_at(self) -> float:
        """The time (s, the loop's clock) when the peer last gave a sign of life."""
        raise NotImplementedError

    comment: Message | None = None
    """The message that keeps proxies from cutting a silent line and that no client hears; None where none is needed."""
    _said_at: float
    _commented_at: float
    _pinged_at: float | None

    def ping(self) -> bool:
        """Ask the peer for a sign of life; return whether that can be done."""
        raise NotImplementedError

    def drop(self) -> None:
        """Cut the peer off at once, with all that is on its way."""
        raise NotImplementedError

    def watch(self) -> None:
        """Begin."""
        self._said_at = self._commented_at = asyncio.get_running_loop().time()
        self._pinged_at = self.stalled_since = None
        heartbeat = self.hub.heartbeat
        self.hub.wheel.enter(self, heartbeat if self.comment is None else min(heartbeat, limits.SSE_COMMENT))

    def rest(self) -> None:
        """End."""
        self.hub.wheel.leave(self)

    def ring(self, now: float) -> float:
        """Act on silence, if there was any; return the seconds until there may be."""
        written_at = self.connection.written_at
        due = max(self._said_at, written_at) + self.hub.heartbeat
        if now >= due:
            self._said_at = now
            self._act(now)
            due = now + self.hub.heartbeat
        if self.comment is None:
            return due - now
        comment_due = max(self._said_at, self._commented_at, written_at) + limits.SSE_COMMENT
        if now >= comment_due:
            self._commented_at = now
            if self.connection.waits and not self.connection.owes:
                self.connection.reply(self.comment)
            comment_due = now + limits.SSE_COMMENT
        return min(due, comment_due) - now

    def _act(self, now: float) -> None:
        """The peer is stalled, or it is lost, or there was nothing to say."""
        if self.stalled_since is not None:
            self._pinged_at = None
            if now - self.stalled_since > self.hub.peer_timeout:
                self._end("it took nothing for too long")
        elif self._pinged_at is not None and self.heard_at < self._pinged_at:
            self._end("it answers no ping")
        else:
            self.connection.heartbeat()
            if self.ping():
                self._pinged_at = now

    def _end(self, reason: str) -> None:
        self.connection.end(Close.TOO_SLOW, reason)
        if self.stalled_since is not None:
            self.drop()  # an ending in order would have to wait behind what the peer does not take
