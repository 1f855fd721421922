"""The claim of a process to the database that it writes to: no other process of En Vivo writes to it meanwhile."""

from collections.abc import Collection


class Claim:
    """The claim to a database in memory, which nobody else can reach; subclasses have more to do."""

    async def acquire(self) -> None:
        """Take the database, before it is opened. Raise DatabaseUnavailable (also DatabaseInUse, NotADatabase)."""

    def opened(self) -> None:
        """Note that the database is open, and its schema is up to date."""

    def check(self) -> None:
        """Raise DatabaseUnavailable where what is written would go elsewhere than a start would look for it."""

    async def others(self) -> Collection[str]:
        """Return the names of the other nodes that have the database."""
        return ()

    async def back_up(self, migration: str) -> None:
        """Keep a copy of the database as it is before `migration`, where that is ours to do. Raise MigrationFailed."""

    async def release(self) -> None:
        """Give up the database, which is closed."""
