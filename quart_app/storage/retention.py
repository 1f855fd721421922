"""What the storage forgets: old events, and answers whose keys are past their time.

Both go through the writer in bounded batches, so that no change ever waits long for them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tortoise.backends.base.client import BaseDBAsyncClient

from quart_app.realtime.limits import IDEMPOTENCY_KEPT, RETENTION_AGE, TRIM_BATCH, TRIM_INTERVAL
from quart_app.storage import event_log, idempotency
from quart_app.storage.connections import writing
from quart_app.storage.event_log import TortoiseEventLog
from quart_app.storage.log_time import LogTime
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.storage.writer import Writer
from quart_app.surroundings import REAL, Surroundings

logger = logging.getLogger(__name__)

_Batch = Callable[[BaseDBAsyncClient], Awaitable[int]]


class Retention:
    """The trimming of a log, which keeps the newest `events` events, none older than `age` seconds, and keys for
    `keys` seconds."""

    def __init__(
        self,
        writer: Writer,
        event_log: TortoiseEventLog,
        events: int,
        *,
        age: float = RETENTION_AGE,
        keys: float = IDEMPOTENCY_KEPT,
        surroundings: Surroundings = REAL,
    ) -> None:
        self._time = LogTime(surroundings)
        self._writer = writer
        self._log = event_log
        self._events = events
        self._age = age
        self._keys = keys

    async def run(self) -> None:
        """Forget what is due, once per `limits.TRIM_INTERVAL`, until cancelled."""
        while True:
            await asyncio.sleep(TRIM_INTERVAL)
            try:
                await self.trim()
                await self.purge()
            except Exception:
                logger.exception("old events could not be removed; trying again later")

    async def trim(self) -> int:
        """Remove the events that are past number or age and raise the floor; return how many."""
        upto = await self._log.head() - self._events
        present = await self._time.look()
        if self._time.is_due:
            await self._writer.commit(lambda _: self._time.keep(writing()))
        before = present.earliest - round(self._age * 1000)
        return await self._in_batches(
            lambda client: event_log.trim(client, upto, before, TRIM_BATCH, latest=present.latest)
        )

    async def purge(self) -> int:
        """Forget the answers whose keys are past their time; return how many."""
        present = await self._time.look()
        before = present.earliest - round(self._keys * 1000)
        return await self._in_batches(
            lambda client: idempotency.purge(client, before, TRIM_BATCH, latest=present.latest)
        )

    async def _in_batches(self, batch: _Batch) -> int:
        async def unit(_work: UnitOfWork) -> int:
            return await batch(writing())

        total = 0
        while True:
            removed = await self._writer.commit(unit)
            total += removed
            if removed < TRIM_BATCH:
                return total
