"""The writer's transaction, and how to take back what one unit of work did in it.

Tortoise's own transaction contexts are not safe to cancel while they begin, and begin SQLite's deferred; one task uses
these, begins at once for writing, and always ends what it began. This module knows nothing of events, keys or groups.
"""

import logging
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Self, cast

from aiosqlite import Connection
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper

from quart_app.storage.errors import WriteFailed

logger = logging.getLogger(__name__)

_LOG_LOCK = 0x656E7669766F  # PostgreSQL's advisory lock of the log: one process appends at a time


class Transaction(ABC):
    """One transaction on the writer's connection; enter it, then commit, or leave to roll back.

    While it is open Tortoise gives its client to every statement of the task that entered it.
    """

    def __init__(self, context: TransactionContext) -> None:
        self._context = context

    async def __aenter__(self) -> Self:
        try:
            self.client: TransactionalDBClient = await self._context.__aenter__()
            await self._began()
        except BaseException:
            # Tortoise does not let go of what it has acquired when the beginning fails or is cancelled.
            # A rollback comes after a BEGIN that may still be on its way, and harms nothing without one.
            with suppress(Exception):
                await self._context.__aexit__(WriteFailed, None, None)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        committed = self.client._finalized  # Tortoise gives no other sign
        failed = None if committed else WriteFailed
        try:
            await self._context.__aexit__(failed, None, None)
        except Exception:
            # The connection has been let go of; nothing of an unfinished transaction is stored.
            logger.warning("a transaction could not be rolled back", exc_info=True)

    async def commit(self) -> None:
        """Make the transaction durable. Raise what the driver raises."""
        await self.client.commit()

    @abstractmethod
    async def _began(self) -> None:
        """Prepare the transaction that has just begun."""

    @property
    @abstractmethod
    def shared(self) -> bool:
        """Tell whether other processes append to the same log between our transactions."""

    @abstractmethod
    async def mark(self) -> None:
        """Remember this moment, at which a unit starts."""

    @abstractmethod
    async def keep(self) -> None:
        """Keep what the unit did, which has ended well. Raise WriteFailed where the transaction is of no more use."""

    @abstractmethod
    async def undo(self) -> bool:
        """Take back what the failed unit did; return whether the transaction is as it was at the mark."""


def transaction(client: BaseDBAsyncClient) -> Transaction:
    """Return a new transaction on `client`, the writer's connection."""
    if isinstance(client, SqliteClient):
        return _SqliteTransaction(client)
    return _PostgresTransaction(client._in_transaction())


class _ImmediateWrapper(SqliteTransactionWrapper):
    async def begin(self) -> None:
        # A deferred one could find, at its first change, that another program has changed the file.
        await self._connection.execute("BEGIN IMMEDIATE")


class _SqliteTransaction(Transaction):
    """The transaction on SQLite. It tells whether a unit changed anything by SQLite's count of changed rows: no
    savepoints needed."""

    shared = False

    def __init__(self, client: SqliteClient) -> None:
        super().__init__(SqliteTransactionContext(_ImmediateWrapper(client), client._lock))
        self._changes = 0

    async def _began(self) -> None:
        """Do nothing more: BEGIN IMMEDIATE was all."""

    @property
    def _connection(self) -> Connection:
        return cast("SqliteTransactionWrapper", self.client)._connection

    async def mark(self) -> None:
        self._changes = self._connection.total_changes

    async def keep(self) -> None:
        # A full disk makes SQLite roll everything back by itself, and a unit may have caught the error.
        if not self._connection.in_transaction:
            raise WriteFailed("SQLite has rolled the transaction back")

    async def undo(self) -> bool:
        # Statements run in order: after this one none of a cancelled unit is still on its way.
        await self.client.execute_query("SELECT 1")
        return self._connection.in_transaction and self._connection.total_changes == self._changes


class _PostgresTransaction(Transaction):
    """The transaction on PostgreSQL. It has a savepoint per unit: after any error PostgreSQL refuses all statements
    until it is rolled back."""

    shared = True

    async def _began(self) -> None:
        await self.client.execute_query(f"SELECT pg_advisory_xact_lock({_LOG_LOCK})")

    async def mark(self) -> None:
        await self.client.execute_script("SAVEPOINT unit")

    async def keep(self) -> None:
        await self.client.execute_script("RELEASE SAVEPOINT unit")

    async def undo(self) -> bool:
        await self.client.execute_script("ROLLBACK TO SAVEPOINT unit")
        return True
