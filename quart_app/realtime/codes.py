"""Close codes of the wire (WebSocket, RFC 6455 section 7.4) and their HTTP counterparts.

Every ending has a code, and the code says whether a client should come back.
"""

from enum import IntEnum


class Close(IntEnum):
    NORMAL = 1000
    GOING_AWAY = 1001
    GONE = 1006
    """Never sent: the peer was lost without a word (RFC 6455 section 7.1.5)."""
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    TOO_SLOW = 4408
    TOO_MANY = 4429

    @property
    def final(self) -> bool:
        """Whether a client that gets this code must not come back by itself."""
        return self in _FINAL

    @classmethod
    def for_status(cls, status: int) -> "Close":
        """The close code that tells a WebSocket what HTTP tells by `status`."""
        return _BY_STATUS.get(status, cls.INTERNAL_ERROR)


_FINAL = frozenset({Close.BAD_REQUEST, Close.UNAUTHORIZED, Close.FORBIDDEN, Close.NOT_FOUND})
_BY_STATUS = {
    400: Close.BAD_REQUEST,
    401: Close.UNAUTHORIZED,
    403: Close.FORBIDDEN,
    404: Close.NOT_FOUND,
    413: Close.TOO_BIG,
    429: Close.TOO_MANY,
    503: Close.GOING_AWAY,
}
