"""How a connection ends, or fails to begin, and what that says about the rung and the server.

Pure: turns close codes, HTTP answers and bad certificates into an `Ending`. Must not know any transport library and
decides nothing: what to do about an ending is the ladder's business.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import Enum

from quart_app.client.messages import ServerError
from quart_app.wire import meaning_of_close, meaning_of_status

TRUST = "Name the file of the authority that signed it (--ca; in a program Options.tls)"
STATUS_TO_CODE = 4000
"""401 is told as 4401, so that a program needs to know one list."""


class EndingKind(Enum):
    """What an ending means; the first four are the browser client's, too."""

    STOP = "stop"
    """The server will not have us."""
    LATER = "later"
    """The server ended it in an orderly way, or is busy: come back, by the same rung."""
    FAILED = "failed"
    """No first message came through on this rung, or the connection broke."""
    STALLED = "stalled"
    """The heartbeats stayed away."""
    UNREACHABLE = "unreachable"
    """Nothing answered: the server's or the network's trouble, not the rung's."""
    UNTRUSTED = "untrusted"
    """Its certificate cannot be verified: whoever answered, nothing may be said to them."""


FINAL = frozenset({EndingKind.STOP, EndingKind.UNTRUSTED})
"""The kinds after which the client does not come back."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One ending: its kind, what was seen, the close code if there was one, seconds to stay away if told."""

    kind: EndingKind
    seen: str
    code: int | None = None
    retry_after: float | None = None


class LinkEnded(Exception):
    """A connection ended; raised by transports, never seen by users of the client."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.seen)
        self.ending = ending


def failed(seen: str) -> LinkEnded:
    """Return what is raised when something went wrong on the way."""
    return LinkEnded(Ending(EndingKind.FAILED, seen))


def from_close_code(code: int, reason: str) -> Ending:
    """Return what a WebSocket's close code (RFC 6455 section 7.4, and our own 44xx) means."""
    kind = EndingKind(meaning_of_close(code).value)
    seen = f"closed {code} {reason}".strip()
    return Ending(kind, reason if reason and kind is EndingKind.STOP else seen, code)


def from_answer(status: int, error: ServerError | None, retry_after: float | None) -> Ending:
    """Return what an HTTP status in the place of a stream means.

    `error` is our server's, None where somebody else answers: only its own words stop us.
    """
    kind = EndingKind(meaning_of_status(status, ours=error is not None).value)
    if error is None:
        return Ending(kind, f"HTTP {status}, not by our server", retry_after=retry_after)
    return Ending(kind, error.message, STATUS_TO_CODE + status, retry_after)


def untrusted(error: BaseException) -> Ending | None:
    """Return the ending that `error` is where a certificate (RFC 9110 section 4.3.4) is behind it, else None."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    reason = cause.verify_message.rstrip(".") or "verification failed"
    return Ending(EndingKind.UNTRUSTED, f"the server's certificate is not trusted: {reason}. {TRUST}")
