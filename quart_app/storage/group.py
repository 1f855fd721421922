"""Group commit: several units of work, one after another, in one transaction.

This module decides what a failing unit costs the others: nothing. It knows nothing of queues, of who waits, or of what
happens after the commit.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, groupby, repeat
from operator import itemgetter
from typing import Any, Final

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.sqlite.client import SqliteClient
from tortoise.connection import get_connection
from tortoise.exceptions import (
    DBConnectionError,
    IntegrityError,
    NotExistOrMultiple,
    ObjectDoesNotExistError,
    OperationalError,
    TransactionManagementError,
)

from quart_app.realtime import Event, Leading, Refused, encode, not_leading
from quart_app.realtime.limits import WRITE_PATIENCE
from quart_app.storage import idempotency, leases
from quart_app.storage.connections import WRITER, sql, unit_scope
from quart_app.storage.errors import DatabaseRefused, StorageError, UnitTimeout, WriteFailed, WriteUndecided
from quart_app.storage.event_log import TortoiseEventLog
from quart_app.storage.idempotency import Answer, IdempotencyKey
from quart_app.storage.sqlite.transaction import SqliteTransaction
from quart_app.storage.transaction import Transaction
from quart_app.storage.unit_of_work import Append, Deed, UnitOfWork

Unit = Callable[[UnitOfWork], Awaitable[Any]] | Append[Any]


@dataclass(slots=True, eq=False)
class Job:
    """A unit of work that waits in line; `on_commit` is told its result before anybody hears of its events. `origin` is
    where it comes from, for whoever is told of its deeds. `work_of` is the lease that it is done by, if any."""

    unit: Unit
    key: IdempotencyKey | None
    parts: Collection[IdempotencyKey]
    on_commit: Callable[[Any], object] | None
    on_failure: Callable[[], object] | None
    future: asyncio.Future[Any]
    origin: Any = None
    work_of: Leading | None = None
    arrived_at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Outcome:
    """The end of a job: an `error`, or its `result`, and its `events` and `deeds`, which are committed."""

    job: Job
    result: Any = None
    events: Sequence[Event] = ()
    deeds: Sequence[Deed] = ()
    error: BaseException | None = None


class _Spoiled(Exception):
    """The transaction holds something of a unit that failed, for the reason `error`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


@dataclass(slots=True)
class _Doubt:
    """A commit whose answer was lost: the name of its `transaction`, and its `outcomes` if it has come to pass."""

    transaction: str
    outcomes: list[Outcome]

    @property
    def events(self) -> list[Event]:
        return [event for outcome in self.outcomes for event in outcome.events]


class _Interrupted(Exception):
    """The database was lost, or busy, for the reason `error`; `doubt` is the commit that is to be decided, if any."""

    def __init__(self, error: Exception, doubt: _Doubt | None) -> None:
        super().__init__(error)
        self.error = error
        self.doubt = doubt


_TRIES: Final = 5  # tries of a unit that runs alone while another process takes its positions
_PAUSES: Final = (0.0, 0.05, 0.1, 0.2, 0.5)  # s before what was interrupted is tried again; the last one from then on


async def commit_group(
    jobs: Sequence[Job], log: TortoiseEventLog, check: Callable[[], None], tries: int = _TRIES
) -> list[Outcome]:
    """Run the jobs' units in one transaction and commit it; the log's head advances.

    A unit that fails before it has changed anything fails alone. Any other failure undoes the
    transaction, and every unit runs again in one of its own: only the guilty fails. A commit that
    fails is the failure of all; so is a `check` right before it that raises. Where the database is lost, the same is
    tried again for `limits.WRITE_PATIENCE` seconds from the arrival of each job; whether a commit came to pass whose
    answer was lost is found out first. Raise nothing but cancellation: every job has its outcome.
    """
    ended: list[Outcome] = []
    doubt: _Doubt | None = None
    pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
    while jobs:
        try:
            return ended + await _transact(jobs, log, check, doubt)
        except _Spoiled as spoiled:
            if len(jobs) > 1:
                return ended + [outcome for job in jobs for outcome in await commit_group([job], log, check)]
            head = log.known_head
            with suppress(Exception):
                await log.look(get_connection(WRITER))
            if log.known_head > head and tries > 1:  # another process has taken the position of an event
                return ended + await commit_group(jobs, log, check, tries - 1)
            return [*ended, Outcome(jobs[0], error=spoiled.error)]
        except _Interrupted as interrupted:
            doubt = interrupted.doubt
            late = [job for job in jobs if time.monotonic() > job.arrived_at + WRITE_PATIENCE]
            ended += [Outcome(job, error=_lost(interrupted.error, undecided=doubt is not None)) for job in late]
            jobs = [job for job in jobs if job not in late]
            await asyncio.sleep(next(pauses))
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers wait for it
            with suppress(Exception):  # a failed commit may have reached the disk all the same
                await log.look(get_connection(WRITER))
            return ended + [Outcome(job, error=_lost(error)) for job in jobs]
    return ended


def _lost(error: Exception, *, undecided: bool = False) -> DatabaseRefused:
    """Return the database's failure as each caller gets it: an exception of its own, with the cause."""
    failure = (WriteUndecided if undecided else DatabaseRefused)(f"the database could not store it: {error}")
    failure.__cause__ = error
    return failure


async def _transact(
    jobs: Sequence[Job], log: TortoiseEventLog, check: Callable[[], None], doubt: _Doubt | None
) -> list[Outcome]:
    """Decide the `doubt` that an earlier transaction of these jobs has left, and run them where it came to nothing."""
    transaction = _transaction(get_connection(WRITER))
    try:
        async with transaction:
            client = transaction.client
            name = await log.lock(client)  # which a commit in doubt would still hold, were it not over
            if doubt is not None:
                if await log.has_committed(client, doubt.transaction, doubt.events):
                    return [outcome for outcome in doubt.outcomes if outcome.job in jobs]
                doubt = None
            known = await idempotency.answers(client, {key for job in jobs for key in (job.key, *job.parts) if key})
            group = _Group(transaction, log.terms.current, log.known_head, known)
            outcomes = [await group.run(job) for job in jobs]
            await group.finish()
            try:
                await log.append(client, group.events, group.given)
            except Exception as error:
                raise _Spoiled(_lost(error)) from error
            check()
            doubt = _Doubt(name, outcomes)
            await transaction.commit()
    except Exception as error:
        if transaction.was_interrupted(error):
            raise _Interrupted(error, doubt) from error
        raise
    log.appended(group.events)
    return outcomes


def _transaction(client: BaseDBAsyncClient) -> Transaction:
    """Return a new transaction on `client`, the writer's connection."""
    if isinstance(client, SqliteClient):
        return SqliteTransaction(client)
    from quart_app.storage.postgres.transaction import PostgresTransaction

    return PostgresTransaction(client)


@dataclass(slots=True)
class _Group:
    """The units of one transaction: where the log ends for the next one, and what was answered."""

    transaction: Transaction
    term: str
    head: int
    known: dict[IdempotencyKey, Answer]
    given: dict[IdempotencyKey, Answer] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    rows: list[tuple[str, list[Any]]] = field(default_factory=list)
    unread: list[tuple[str, list[Any]]] = field(default_factory=list)

    async def run(self, job: Job) -> Outcome:
        """Return the outcome of `job`'s unit, or the first answer to its key. Raise _Spoiled."""
        try:
            if job.key and (first := self._first_answer(job.key)):
                return Outcome(job, first.result())
            known = {key: first.result() for key in job.parts if (first := self._first_answer(key))}
        except Refused as refused:
            return Outcome(job, error=refused)
        if job.work_of is not None and not await leases.is_led(self.transaction.client, job.work_of):
            return Outcome(job, error=not_leading())
        work = UnitOfWork(self.term, self.head, known)
        try:
            return await self._run(job, work)
        finally:
            work.end()

    def _first_answer(self, key: IdempotencyKey) -> Answer | None:
        """Return the answer that `key` got before, if any. Raise Refused where that was to something else."""
        answer = self.known.get(key) or self.given.get(key)
        if answer is not None:
            key.check(answer.fingerprint)
        return answer

    async def _run(self, job: Job, work: UnitOfWork) -> Outcome:
        if isinstance(job.unit, Append):
            try:
                result = job.unit.unit(work)
                answer = _answer(job, result)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - nothing was changed; the caller waits
                return Outcome(job, error=_as_failure(error))
            return self._take(job, work, result, answer)
        await self.flush()
        await self.transaction.mark()
        try:
            result = await _bounded(job.unit, work, self.transaction.unit_clock())
            answer = _answer(job, result)
            await self.transaction.keep()
        except (Exception, asyncio.CancelledError) as error:
            if _writer_is_cancelled():
                raise
            if not await self._undone():
                raise _Spoiled(_as_failure(error)) from error
            return Outcome(job, error=_as_failure(error))
        return self._take(job, work, result, answer)

    def _take(self, job: Job, work: UnitOfWork, result: Any, answer: bytes | None) -> Outcome:
        if answer is not None:
            keys = [key for key in (job.key, *job.parts) if key and key not in work.known]
            self.given |= {key: Answer.of(answer, key.fingerprint) for key in keys}
            result = msgspec.json.decode(answer)  # the first caller gets what a repeat will get
        self.rows += work.rows
        self.unread += work.unread
        self.events += work.events
        self.head += len(work.events)
        return Outcome(job, result, work.events, work.deeds)

    async def finish(self) -> None:
        """Store what is left when all units have run. Raise _Spoiled."""
        self.rows += self.unread
        await self.flush()

    async def flush(self) -> None:
        """Store the rows that were added: in their order, neighbours of one kind at once. Raise _Spoiled."""
        rows, self.rows = self.rows, []
        client = self.transaction.client
        try:
            for insert, alike in groupby(rows, key=itemgetter(0)):
                await client.execute_many(sql(insert, client), [values for _, values in alike])
        except Exception as error:
            raise _Spoiled(_as_failure(error)) from error

    async def _undone(self) -> bool:
        try:
            return await self.transaction.undo()
        except Exception:  # noqa: BLE001 - a transaction that cannot be looked at is not as it was
            return False


def _answer(job: Job, result: Any) -> bytes | None:
    return encode(result) if job.key or job.parts else None


async def _bounded(unit: Callable[[UnitOfWork], Awaitable[Any]], work: UnitOfWork, unit_clock: asyncio.Timeout) -> Any:
    try:
        async with unit_clock as clock:
            with unit_scope():
                return await unit(work)
    except TimeoutError as error:
        if clock.expired():
            raise UnitTimeout("a unit of work took too long and was undone") from error
        raise


def _writer_is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _as_failure(error: BaseException) -> BaseException:
    """Return what the caller of a failed unit gets: its own exception, or the database's as a StorageError."""
    if isinstance(error, (StorageError, IntegrityError, NotExistOrMultiple, ObjectDoesNotExistError)):
        return error
    if isinstance(error, (OperationalError, TransactionManagementError, DBConnectionError, sqlite3.Error)):
        return _lost(error)
    if isinstance(error, asyncio.CancelledError):
        return WriteFailed("the unit of work was cancelled from within and undone")
    return error
