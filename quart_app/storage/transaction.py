"""The writer's transaction, and how to take back what one unit of work did in it.

Tortoise's own transaction contexts are not safe to cancel while they begin; one task uses these, and always ends what
it began. `sqlite.transaction` and `postgres.transaction` have the two kinds. This module knows nothing of events, keys
or groups.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Self

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext

from quart_app.realtime.limits import UNIT_TIMEOUT
from quart_app.storage.errors import WriteFailed

logger = logging.getLogger(__name__)


class Transaction(ABC):
    """One transaction on the writer's connection; enter it, then commit, or leave to roll back.

    While it is open Tortoise gives its client to every statement of the task that entered it.
    """

    def __init__(self, context: TransactionContext) -> None:
        self._context = context

    async def __aenter__(self) -> Self:
        try:
            self.client: TransactionalDBClient = await self._context.__aenter__()
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

    def was_interrupted(self, error: BaseException) -> bool:
        """Tell whether `error` says only that the database was lost, or busy, so that the same may go well again."""
        del error
        return False

    def unit_clock(self) -> asyncio.Timeout:
        """Return what cancels the unit that runs inside of it once it has taken too long."""
        return asyncio.timeout(UNIT_TIMEOUT)

    @abstractmethod
    async def mark(self) -> None:
        """Remember this moment, at which a unit starts."""

    @abstractmethod
    async def keep(self) -> None:
        """Keep what the unit did, which has ended well. Raise WriteFailed where the transaction is of no more use."""

    @abstractmethod
    async def undo(self) -> bool:
        """Take back what the failed unit did; return whether the transaction is as it was at the mark."""
