"""How a connection ends, or fails to begin, and what that says about the rung and the server.

Pure: turns close codes, HTTP statuses, times and bad certificates into an `Ending`. Must not know any transport library
and decides nothing: what to do about an ending is the ladder's business.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

GOING_AWAY = 1001
MESSAGE_TOO_BIG = 1009
STOP_CLOSE_CODES = frozenset({4400, 4401, 4403, 4404})
COME_BACK_CLOSE_CODES = frozenset({GOING_AWAY, 1008, MESSAGE_TOO_BIG, 1011, 1012, 1013, 4408, 4429})
STOP_STATUSES = frozenset({400, 401, 403, 404})
COME_BACK_STATUSES = frozenset({429, 503})
TRUST = "Name the file of the authority that signed it (--ca; in a program Options.tls)"
LONGEST_RETRY_AFTER = 3600.0
"""Seconds: a longer wish of the server (or of something in between) is cut to this."""


class Kind(Enum):
    """What an ending means."""

    UNREACHABLE = "unreachable"
    """Nothing answered: the server's or the network's trouble, not the rung's."""
    BLOCKED = "blocked"
    """Something answered, yet no first message came through on this rung."""
    SILENT = "silent"
    """The heartbeats stayed away."""
    DIED = "died"
    """It worked, then it was cut."""
    LATER = "later"
    """The server asked to come back."""
    REFUSED = "refused"
    """The server said stop."""
    UNTRUSTED = "untrusted"
    """Its certificate cannot be verified: whoever answered, nothing may be said to them."""


FINAL = frozenset({Kind.REFUSED, Kind.UNTRUSTED})
"""The kinds after which the client does not come back."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One ending: its kind, what was seen, the close code if there was one, seconds to stay away if told."""

    kind: Kind
    seen: str
    code: int | None = None
    retry_after: float | None = None


class LinkEnded(Exception):
    """A connection ended; raised by transports, never seen by users of the client."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.seen)
        self.ending = ending


def from_close_code(code: int, reason: str) -> Ending:
    """Returns what a WebSocket close code (RFC 6455 section 7.4, and our own 44xx) means."""
    seen = f"closed {code} {reason}".strip()
    if code in STOP_CLOSE_CODES:
        return Ending(Kind.REFUSED, reason or seen, code)
    if code in COME_BACK_CLOSE_CODES:
        return Ending(Kind.LATER, seen, code)
    return Ending(Kind.DIED, seen, code)


def untrusted(error: BaseException) -> Ending | None:
    """Returns the ending that `error` is where a certificate (RFC 9110 section 4.3.4) is behind it, else None."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    reason = cause.verify_message.rstrip(".") or "verification failed"
    return Ending(Kind.UNTRUSTED, f"the server's certificate is not trusted: {reason}. {TRUST}")


def from_status(status: int, headers: Mapping[str, str], explanation: str) -> Ending:
    """Returns what an HTTP status in place of a stream means; `code` is 4000 + status, as on a WebSocket."""
    code = 4000 + status
    seen = f"HTTP {status} {explanation}".strip()
    if status in STOP_STATUSES:
        return Ending(Kind.REFUSED, explanation or seen, code)
    if status in COME_BACK_STATUSES:
        return Ending(Kind.LATER, seen, code, retry_after_seconds(headers))
    return Ending(Kind.BLOCKED, seen, code)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Returns the delay-seconds form of Retry-After (RFC 9110 section 10.2.3), or None."""
    return bounded_delay(headers.get("retry-after"), unit=1.0)


def bounded_delay(value: object, unit: float) -> float | None:
    """Returns `value` (a number, or its text) times `unit` in seconds within 0 and an hour; None if it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value) * unit
    except ValueError:
        return None
    # `not >=` also turns NaN away.
    if not seconds >= 0:
        return None
    return min(seconds, LONGEST_RETRY_AFTER)
