"""Which errors say only that PostgreSQL was lost, or busy, so that the same may go well again."""

from typing import Final

from asyncpg import InterfaceError, InternalClientError, PostgresError

# The classes of SQLSTATE, and single ones, that tell of the connection, the server or another transaction, and nothing
# of what was asked: https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES: Final = (
    "08",  # connection exceptions
    "40",  # this transaction was rolled back in favour of another one
    "53300",  # too many connections
    "55P03",  # the lock was not to be had in time
    "57",  # the operator has stopped the session or the server, or a statement has run too long
    "25P03",  # the session was ended because it was idle in its transaction
)


def is_interruption(error: BaseException) -> bool:
    """Tell whether `error`, or what has caused it, is such an interruption."""
    if isinstance(error, OSError):  # there was no connection to be had, or no answer in time (TimeoutError)
        return True
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PostgresError):
            return (cause.sqlstate or "08").startswith(_STATES)
        if isinstance(cause, (InterfaceError, InternalClientError)):
            return True
        cause = cause.__cause__
    return False
