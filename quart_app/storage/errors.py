"""What can go wrong in the storage, as one tree.

    StorageError
    ├── DatabaseUnavailable     it cannot be opened or reached
    │   ├── DatabaseInUse       another process has this SQLite file open
    │   └── NotADatabase        the file is something else, or damaged
    ├── MigrationFailed         the schema could not be brought up to date; the database is as it was
    │   └── NewerDatabase       a newer version of the program has changed the schema
    ├── WriteFailed             the database refused or lost a write: nothing of it is stored
    │   ├── UnitTimeout         a unit of work took too long
    │   └── WriterStopped       the program is shutting down
    └── WriteOutsideUnit        a mistake in the program: rows changed without a unit of work

Refusals of a domain are `realtime.channel.Refused`, not errors of the storage.
"""


class StorageError(Exception):
    """Any failure of the storage; its text is fit for an operator."""


class DatabaseUnavailable(StorageError):
    """The database cannot be opened or reached."""


class DatabaseInUse(DatabaseUnavailable):
    """Another process has this SQLite file open."""


class NotADatabase(DatabaseUnavailable):
    """The file is no SQLite database, or it is damaged."""


class MigrationFailed(StorageError):
    """The schema could not be brought up to date; the database is as it was before."""


class NewerDatabase(MigrationFailed):
    """The schema holds changes that this version of the program does not know."""


class WriteFailed(StorageError):
    """The database refused or lost a write: nothing of it is stored."""


class UnitTimeout(WriteFailed):
    """A unit of work took longer than `limits.UNIT_TIMEOUT` and was undone."""


class WriterStopped(WriteFailed):
    """The writer takes no more work: the program is shutting down."""


class WriteOutsideUnit(StorageError):
    """Rows were changed without a unit of work: a mistake in the program."""
