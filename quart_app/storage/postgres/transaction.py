"""The writer's transaction on PostgreSQL.

There is no savepoint for a unit: by contract a unit refuses before its first change, and what fails later undoes the
whole transaction, as on SQLite. So a unit costs no more trips to the server than its own statements.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionContextPooled
from tortoise.connection import get_connections

from quart_app.realtime.limits import UNIT_IDLE, UNIT_TIMEOUT
from quart_app.storage.postgres.interruptions import is_interruption
from quart_app.storage.transaction import Transaction


class _WatchedWrapper(TransactionWrapper):
    """A transaction that counts the statements that may change something, and sets the clock of the unit that runs: it
    may take UNIT_TIMEOUT in all, of which no more than UNIT_IDLE without a statement."""

    changes = 0
    clock: asyncio.Timeout | None = None
    ends = 0.0

    async def execute_insert(self, query: str, values: list[Any]) -> Any:
        self.changes += 1
        with self._at_work():
            return await super().execute_insert(query, values)

    async def execute_many(self, query: str, values: list[Any]) -> None:
        self.changes += 1
        with self._at_work():
            await super().execute_many(query, values)

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, list[Any]]:
        self._count(query)
        with self._at_work():
            found: tuple[int, list[Any]] = await super().execute_query(query, values)
            return found

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        self._count(query)
        with self._at_work():
            found: list[dict[str, Any]] = await super().execute_query_dict(query, values)
            return found

    async def execute_script(self, query: str) -> None:
        self.changes += 1
        with self._at_work():
            await super().execute_script(query)

    def _count(self, query: str) -> None:
        if not query.startswith("SELECT"):
            self.changes += 1

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        clock = self.clock
        if clock is None or clock.expired():
            yield
            return
        clock.reschedule(self.ends)
        yield
        clock.reschedule(min(self.ends, asyncio.get_running_loop().time() + UNIT_IDLE))


class _Context(TransactionContextPooled):
    """Tortoise's context, whose connection may be lost at any time."""

    async def __aexit__(self, *_: object) -> None:
        try:
            if not self.client._finalized:
                await self.client.rollback()
        except Exception as error:
            if not is_interruption(error):  # else the transaction is lost with its connection
                raise
        finally:
            get_connections().reset(self.token)
            await self.client._parent._pool.release(self.client._connection)


class PostgresTransaction(Transaction):
    """The transaction on `client`, the pool of the writer's one connection."""

    def __init__(self, client: BaseDBAsyncClient) -> None:
        pool = cast("AsyncpgDBClient", client)
        self._wrapper = _WatchedWrapper(pool)
        super().__init__(_Context(self._wrapper, pool._pool_init_lock))
        self._mark = 0

    def unit_clock(self) -> asyncio.Timeout:
        self._wrapper.clock = clock = asyncio.timeout(UNIT_IDLE)
        self._wrapper.ends = asyncio.get_running_loop().time() + UNIT_TIMEOUT
        return clock

    async def mark(self) -> None:
        self._mark = self._wrapper.changes

    async def keep(self) -> None:
        """Stop the clock. Should the unit have hidden an error, PostgreSQL refuses whatever comes next."""
        self._wrapper.clock = None

    async def undo(self) -> bool:
        self._wrapper.clock = None
        await self._wrapper.execute_query("SELECT 1")  # it is refused after any error
        return self._wrapper.changes == self._mark

    def was_interrupted(self, error: BaseException) -> bool:
        return is_interruption(error)
