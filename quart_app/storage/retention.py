"""What the storage forgets: old events, and answers whose keys are past their time.

Both go through the writer in bounded batches, so that no change ever waits long for them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from tortoise.backends.base.client import BaseDBAsyncClient

from quart_app.realtime import NO_LEASE, Lease
from quart_app.realtime.limits import IDEMPOTENCY_KEPT, LARGEST_ID, RETENTION_AGE, TRIM_BATCH, TRIM_INTERVAL
from quart_app.storage import event_log, idempotency
from quart_app.storage.connections import reading, writing
from quart_app.storage.errors import StorageError
from quart_app.storage.event_log import TortoiseEventLog
from quart_app.storage.log_time import LogTime
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.storage.writer import Writer
from quart_app.surroundings import REAL, Surroundings

logger = logging.getLogger(__name__)

_Batch = Callable[[BaseDBAsyncClient], Awaitable[int]]


_MEASURED: Final = 1_000  # positions whose sizes are read at once, so that no reader waits long for that
_PARTS: Final = 1_000  # in which the log is measured


class LogSize:
    """The size of a log, of which at most `most` bytes are to stay, in stretches that are a small part of that."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._stretches: deque[tuple[int, int]] = deque()
        self.bytes = 0
        self.upto = 0
        """All up to this position was measured."""

    def add(self, upto: int, size: int) -> None:
        """Note that the events since the last stretch, up to a position, take `size` bytes."""
        if self._stretches and self._stretches[-1][1] < self._most // _PARTS:
            size += self._pop(-1)
        self._stretches.append((upto, size))
        self.bytes += size
        self.upto = upto

    def forget(self, floor: int) -> None:
        """Note that the events up to `floor` are gone."""
        self.upto = max(self.upto, floor)
        while self._stretches and self._stretches[0][0] <= floor:
            self._pop(0)

    def _pop(self, index: int) -> int:
        _, size = self._stretches[index]
        del self._stretches[index]
        self.bytes -= size
        return size

    def excess(self) -> int:
        """Return the position up to which events have to go, 0 where all may stay."""
        left, upto = self.bytes, 0
        for last, size in self._stretches:
            if left <= self._most:
                break
            left, upto = left - size, last
        return upto


class Retention:
    """The trimming of a log, which keeps the newest `events` events of `bytes` together, none older than `age` seconds,
    and keys for `keys` seconds. Of several processes the one that holds the `lease` trims."""

    def __init__(  # noqa: PLR0913 - each has a bound of its own
        self,
        writer: Writer,
        event_log: TortoiseEventLog,
        events: int,
        *,
        bytes: int = LARGEST_ID,
        age: float = RETENTION_AGE,
        keys: float = IDEMPOTENCY_KEPT,
        surroundings: Surroundings = REAL,
        lease: Lease = NO_LEASE,
    ) -> None:
        self._lease = lease
        self._time = LogTime(surroundings)
        self._writer = writer
        self._log = event_log
        self._events = events
        self._size = LogSize(bytes)
        self._age = age
        self._keys = keys

    async def run(self) -> None:
        """Forget what is due, once per `limits.TRIM_INTERVAL`, until cancelled."""
        while True:
            await asyncio.sleep(TRIM_INTERVAL)
            try:
                async with self._lease.hold():
                    await self.trim()
                    await self.purge()
            except StorageError as error:
                logger.warning("old events could not be removed; trying again later: %s", error)
            except Exception:
                if self._lease.held:  # else another process goes on with it
                    logger.exception("old events could not be removed; trying again later")

    async def trim(self) -> int:
        """Remove the events that are past number, size or age and raise the floor; return how many."""
        await self._measure()
        upto = max(await self._log.head() - self._events, self._size.excess())
        present = await self._time.look()
        if self._time.is_due:
            await self._writer.commit(lambda _: self._time.keep(writing()))
        before = present.earliest - round(self._age * 1000)
        return await self._in_batches(
            lambda client: event_log.trim(client, upto, before, TRIM_BATCH, latest=present.latest)
        )

    async def _measure(self) -> None:
        """Find out how large the log is now; what was measured once is known."""
        head = await self._log.head()
        self._size.forget(await self._log.floor())
        while self._size.upto < head:
            until = min(self._size.upto + _MEASURED, head)
            for last, size in await event_log.sizes(reading(), self._size.upto, until):
                self._size.add(last, size)
            self._size.upto = until

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
