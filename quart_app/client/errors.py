"""The errors that the client raises.

    ClientError
    ├── SendRefused    the server answered a message with an error
    ├── SendStalled    the answer cannot be read because received messages are not
    ├── Unreachable    a plain request got no answer
    └── Closed         the client is closed: by its user, by the server's word, for want of trust

The ends of one *connection* (not of the client) are in `endings`.
"""

from __future__ import annotations


class ClientError(Exception):
    """Any error that this client raises on its own account."""


class SendRefused(ClientError):
    """The error of a message that the server refused.

    `code` is the wire's error code (`invalid_content`, `not_allowed`, …), `message` its explanation.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class SendStalled(ClientError):
    """The error of a send whose answer is behind too many unread messages, so that its outcome is unknown."""


class Unreachable(ClientError):
    """The error of a plain request without a sensible answer; its text says what was seen instead."""


class Closed(ClientError):
    """The error of a closed client: there is no connection any more, and none to come.

    `code` is the close code (4404 …) when the server said stop, None when the user closed or the server's certificate
    is not trusted; `reason` is the reason in words.
    """

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(reason if code is None else f"{reason} ({code})")
        self.code = code
        self.reason = reason
