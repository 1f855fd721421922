"""The messages sent and not yet acknowledged, kept in order, and repeated on a new connection with the same key.

This module is pure: the time is passed in, the outcome goes to the callback given with each message. The user of the
outbox bounds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from quart_app.client.errors import ClientError, SendRefused
from quart_app.client.messages import Message, details, encode
from quart_app.client.options import REPEATED_AFTER
from quart_app.wire import Control, bounded_delay

BUSY = "busy"
INTERNAL = "internal"

Done = Callable[[Message | ClientError], None]


@dataclass(slots=True)
class Pending:
    """A message without its acknowledgement. `not_before` is a time of the caller's clock; `failing_since` is the time
    at which the server failed at it first, None if it did not."""

    key: str
    topic: str
    message: Message
    done: Done
    written: bool = False
    not_before: float = 0.0
    failing_since: float | None = None


class Outbox:
    """The pending messages, oldest first; at most `in_flight` of them are written and unanswered at a time.

    A message that the server fails at by its own fault is repeated for `repeat` seconds.
    """

    def __init__(self, in_flight: int, repeat: float) -> None:
        self._pending: dict[str, Pending] = {}
        self._in_flight = in_flight
        self._repeat = repeat

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, pending: Pending) -> None:
        """Append a message; raise ValueError if its key is pending already."""
        if pending.key in self._pending:
            raise ValueError(f"the key {pending.key!r} is on its way already")
        self._pending[pending.key] = pending

    def discard(self, key: str) -> None:
        """Repeat this message no more, because nobody waits for its outcome."""
        self._pending.pop(key, None)

    def restart(self) -> None:
        """Write everything pending again, because there is a new connection."""
        for pending in self._pending.values():
            pending.written = False

    def next(self, now: float) -> Pending | None:
        """Return the message to write now, marked as written; None if there is none, or its time has not come."""
        head = self._head()
        if head is None or head.not_before > now:
            return None
        head.written = True
        return head

    def due_in(self, now: float) -> float | None:
        """Return the seconds until `next` has a message, if nothing else happens; None if never."""
        head = self._head()
        return None if head is None else max(0.0, head.not_before - now)

    def settle(self, message: Message, now: float) -> bool:
        """Take a reply; return whether it belonged to a pending message."""
        pending = self._pending.get(str(message.get("key")))
        if pending is None:
            return False
        if message.get("type") != Control.ERROR:
            self._finish(pending, message)
            return True
        data = details(message)
        code, text = str(data.get("code", "error")), str(data.get("message", ""))
        wait = bounded_delay(data.get("retry_after"), unit=0.001)
        if code == BUSY or wait is not None:
            self.postpone(pending.key, now + (wait or REPEATED_AFTER))
        elif code == INTERNAL:
            self.fail(pending.key, now, SendRefused(code, text), REPEATED_AFTER)
        else:
            self._finish(pending, SendRefused(code, text))
        return True

    def postpone(self, key: str, not_before: float) -> None:
        """Write this message again, and what follows it, not before `not_before`, because the server cannot take it
        now."""
        pending = self._pending.get(key)
        if pending is not None:
            pending.written = False
            pending.not_before = not_before

    def fail(self, key: str, now: float, error: ClientError, wait: float) -> None:
        """Write this message, at which the server failed, again after `wait` seconds, unless it has failed for too
        long."""
        pending = self._pending.get(key)
        if pending is None:
            return
        if pending.failing_since is None:
            pending.failing_since = now
        if now - pending.failing_since >= self._repeat:
            self._finish(pending, error)
        else:
            self.postpone(key, now + wait)

    def unanswered(self, key: str) -> bool:
        """Return whether this message is written and still without an answer."""
        pending = self._pending.get(key)
        return pending is not None and pending.written

    def refuse(self, key: str, error: ClientError) -> None:
        """Let this message fail for good, with `error`."""
        pending = self._pending.get(key)
        if pending is not None:
            self._finish(pending, error)

    def refuse_largest(self, error: ClientError) -> None:
        """Let the largest written message fail: the connection was closed over one too big, and would be again."""
        written = [pending for pending in self._pending.values() if pending.written]
        if written:
            self._finish(max(written, key=lambda pending: len(encode(pending.message))), error)

    def refuse_all(self, error: ClientError) -> None:
        """Let all pending messages fail, because none will get its acknowledgement."""
        for pending in list(self._pending.values()):
            self._finish(pending, error)

    def _head(self) -> Pending | None:
        window = islice(self._pending.values(), self._in_flight)
        return next((pending for pending in window if not pending.written), None)

    def _finish(self, pending: Pending, outcome: Message | ClientError) -> None:
        del self._pending[pending.key]
        pending.done(outcome)
