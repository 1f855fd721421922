"""What can go wrong in the storage, as one tree.

    StorageError
    ├── DatabaseUnavailable     it cannot be opened or reached
    │   ├── DatabaseInUse       another process has this SQLite file open
    │   └── NotADatabase        the file is something else, or damaged
    ├── DatabaseAway            it cannot be read at the moment
    ├── MigrationFailed         the schema could not be brought up to date; the database is as it was
    │   └── NewerDatabase       a newer version of the program has changed the schema
    ├── WriteFailed             a write was refused or lost: nothing of it is stored
    │   ├── DatabaseRefused     by the database, which may refuse others as well
    │   │   └── WriteUndecided  it was lost on the way, and may be stored all the same
    │   ├── UnitTimeout         a unit of work took too long
    │   └── WriterStopped       the program is shutting down
    └── WriteOutsideUnit        a mistake in the program: rows changed without a unit of work

Refusals of a domain are `realtime.Refused`, not errors of the storage. A failed write is both: clients are told that
the server cannot store anything at the moment, and to try again; the operator is told why.
"""

from typing import Final

from quart_app.realtime import Refused

_TRY_AGAIN: Final = 1.0  # s after which a client may repeat what was not stored


class StorageError(Exception):
    """Any failure of the storage; its text is fit for an operator."""


class DatabaseUnavailable(StorageError):
    """The database cannot be opened or reached."""


class DatabaseInUse(DatabaseUnavailable):
    """Another process has this SQLite file open."""


class NotADatabase(DatabaseUnavailable):
    """The file is no SQLite database, or it is damaged."""


class DatabaseAway(StorageError, Refused):
    """The database cannot be read at the moment. Its text says why, and is fit for an operator."""

    def __init__(self, why: str) -> None:
        said = "the database is away at the moment: try again"
        Refused.__init__(self, "unavailable", said, status=503, retry_after=_TRY_AGAIN)
        self.args = (why,)


class MigrationFailed(StorageError):
    """The schema could not be brought up to date; the database is as it was before."""


class NewerDatabase(MigrationFailed):
    """The schema holds changes that this version of the program does not know."""


class WriteFailed(StorageError, Refused):
    """A write was refused or lost: nothing of it is stored. Its text says why, and is fit for an operator."""

    def __init__(self, why: str) -> None:
        said = "this could not be stored, and nothing of it was done: try again"
        Refused.__init__(self, "unavailable", said, status=503, retry_after=_TRY_AGAIN)
        self.args = (why,)


class DatabaseRefused(WriteFailed):
    """The database has refused a write, for a reason that may meet others as well: a full disk, say."""


class WriteUndecided(DatabaseRefused):
    """The database was lost during a commit, and did not come back in time to tell whether that came to pass."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.message = "it is not known whether this was stored: look, or try again with the same key"


class UnitTimeout(WriteFailed):
    """A unit of work took longer than `limits.UNIT_TIMEOUT` and was undone."""


class WriterStopped(WriteFailed):
    """The writer takes no more work: the program is shutting down."""


class WriteOutsideUnit(StorageError):
    """Rows were changed without a unit of work: a mistake in the program."""
