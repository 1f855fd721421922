"""The writer's transaction on SQLite."""

from typing import cast

from aiosqlite import Connection
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper

from quart_app.storage.errors import WriteFailed
from quart_app.storage.transaction import Transaction


class _ImmediateWrapper(SqliteTransactionWrapper):
    async def begin(self) -> None:
        # A deferred one could find, at its first change, that another program has changed the file.
        await self._connection.execute("BEGIN IMMEDIATE")


class SqliteTransaction(Transaction):
    """The transaction on `client`. It tells whether a unit changed anything by SQLite's count of changed rows: no
    savepoints needed."""

    def __init__(self, client: SqliteClient) -> None:
        super().__init__(SqliteTransactionContext(_ImmediateWrapper(client), client._lock))
        self._changes = 0

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
