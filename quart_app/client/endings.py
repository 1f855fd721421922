"""The ways in which a connection ends, or fails to begin, and what each says about the rung and the server.

This module is pure: it turns close codes, HTTP answers and bad certificates into a `LinkEnding`. It must not know any
transport library, and it decides nothing: what to do about an ending is the ladder's business.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from enum import Enum

from quart_app.client.messages import Message, ServerError, details, error_text
from quart_app.wire import Control, bounded_delay, meaning_of_close, meaning_of_status

TRUST = "Name the file of the authority that signed it (--ca; in a program Options.tls)"
STATUS_TO_CODE = 4000
"""What is added to an HTTP status to make a code: 401 is told as 4401, so that a program needs to know one list."""
BACK_SOON = 4000
"""A close code of the range for applications (RFC 6455 section 7.4.2), which is no orderly leave: the user's presence
lingers."""


class EndingKind(Enum):
    """The meaning of an ending; the browser client has the first four, too."""

    STOP = "stop"
    """The server refuses us."""
    LATER = "later"
    """The server ended the connection in an orderly way, or is busy: come back, by the same rung."""
    FAILED = "failed"
    """No first message came through on this rung, or the connection broke."""
    STALLED = "stalled"
    """The heartbeats stayed away."""
    UNREACHABLE = "unreachable"
    """Nothing answered, which is the trouble of the server or the network, not of the rung."""
    UNTRUSTED = "untrusted"
    """The certificate cannot be verified: nothing may be said to whoever answered."""


@dataclass(frozen=True, slots=True)
class LinkEnding:
    """One ending: its kind, what was seen, the close code if there was one, and the seconds to stay away if told."""

    kind: EndingKind
    seen: str
    code: int | None = None
    retry_after: float | None = None


class LinkEnded(Exception):
    """The error that transports raise when a connection ended; users of the client never see it."""

    def __init__(self, ending: LinkEnding) -> None:
        super().__init__(ending.seen)
        self.ending = ending


def failed(seen: str) -> LinkEnded:
    """Return the error to raise when something went wrong on the way."""
    return LinkEnded(LinkEnding(EndingKind.FAILED, seen))


def ending_of_close(code: int, reason: str) -> LinkEnding:
    """Return the ending that a WebSocket's close code (RFC 6455 section 7.4, and our own 44xx) means."""
    kind = EndingKind(meaning_of_close(code).value)
    seen = f"closed {code} {reason}".strip()
    return LinkEnding(kind, reason if reason and kind is EndingKind.STOP else seen, code)


def ending_of_answer(status: int, error: ServerError | None, retry_after: float | None) -> LinkEnding:
    """Return the ending that an HTTP status means which came in the place of a stream.

    `error` is our server's, None where somebody else answers: only our server's own words stop us.
    """
    kind = EndingKind(meaning_of_status(status, ours=error is not None).value)
    if error is None:
        return LinkEnding(kind, f"HTTP {status}, not by our server", retry_after=retry_after)
    return LinkEnding(kind, error.message, STATUS_TO_CODE + status, retry_after)


def ending_of_bye(message: Message) -> LinkEnding:
    """Return the ending that a `bye` means: come back after its `retry_after` (ms)."""
    told = details(message)
    seen = f"bye: {told.get('reason', 'no reason given')}"
    return LinkEnding(EndingKind.LATER, seen, retry_after=bounded_delay(told.get("retry_after"), unit=0.001))


def ending_of_refusal(ending: LinkEnding, messages: list[Message]) -> LinkEnding:
    """Return the ending of a connection refused after `messages`: an `error` among them says why, and until when."""
    for message in messages:
        if message.get("type") == Control.ERROR:
            wait = bounded_delay(details(message).get("retry_after"), unit=0.001)
            told = replace(ending, seen=error_text(message), retry_after=ending.retry_after if wait is None else wait)
            return replace(told, kind=EndingKind.LATER) if ending.kind is EndingKind.FAILED and wait else told
    return ending


def untrusted(error: BaseException) -> LinkEnding | None:
    """Return the ending where a bad certificate (RFC 9110 section 4.3.4) is the cause of `error`, else None."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    reason = cause.verify_message.rstrip(".") or "verification failed"
    return LinkEnding(EndingKind.UNTRUSTED, f"the server's certificate is not trusted: {reason}. {TRUST}")
