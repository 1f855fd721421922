"""The close codes of the wire (WebSocket, RFC 6455 section 7.4), their HTTP statuses, and what both tell a client.

Every ending has a code, and the code says whether a client stops, comes back later, or should doubt the way it came.
"""

from enum import Enum, IntEnum


class Meaning(Enum):
    """The meaning of an ending for a client."""

    STOP = "stop"
    """The server refuses this client, which then does not come back by itself."""
    LATER = "later"
    """The server ended the connection in an orderly way, or is busy: come back, by the same transport."""
    FAILED = "failed"
    """Something went wrong on the way, and may go wrong again on this transport."""


class Close(IntEnum):
    """The close codes that our server sends, and those that tell how a peer ended."""

    NORMAL = 1000
    GOING_AWAY = 1001
    GONE = 1006
    """The code of a peer that was lost without a word; it is never sent (RFC 6455 section 7.1.5)."""
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    TOO_SLOW = 4408
    TOO_MANY = 4429

    @classmethod
    def for_status(cls, status: int) -> "Close":
        """Return the code that tells a WebSocket what HTTP tells by `status`."""
        return _BY_STATUS.get(status, cls.INTERNAL_ERROR)


_STOP = frozenset({Close.BAD_REQUEST, Close.UNAUTHORIZED, Close.FORBIDDEN, Close.NOT_FOUND})
_BY_STATUS = {
    400: Close.BAD_REQUEST,
    401: Close.UNAUTHORIZED,
    403: Close.FORBIDDEN,
    404: Close.NOT_FOUND,
    408: Close.TOO_SLOW,
    413: Close.TOO_BIG,
    429: Close.TOO_MANY,
    503: Close.GOING_AWAY,
}
# The protocol's own codes that a server's close frame may have: 1005 stands for a frame without a code, 1012 is a
# service's restart, 1013 "try again later".
_ORDERLY = frozenset({1000, 1001, 1005, 1008, 1009, 1011, 1012, 1013})
_APPLICATION = range(3000, 5000)  # codes that only a program gives (RFC 6455 section 7.4.2), never something in between
_LATER_STATUSES = frozenset({408, 429, 503})


def meaning_of_close(code: int) -> Meaning:
    """Return the meaning of a WebSocket's close code, be it one of ours or not."""
    if code in _STOP:
        return Meaning.STOP
    return Meaning.LATER if code in _ORDERLY or code in _APPLICATION else Meaning.FAILED


def meaning_of_status(status: int, *, ours: bool) -> Meaning:
    """Return the meaning of an HTTP status that came in the place of a stream.

    `ours` tells whether the body is our server's error. Whatever else answers (a proxy, a portal) says nothing about
    our server, only about the way to it.
    """
    if not ours:
        return Meaning.FAILED
    if _BY_STATUS.get(status) in _STOP:
        return Meaning.STOP
    return Meaning.LATER if status in _LATER_STATUSES else Meaning.FAILED
