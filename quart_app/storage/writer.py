"""The one writer: a task that owns all writing, and the order in which a commit becomes known.

Units of work wait in line and are committed in groups. After a commit first each unit's own `on_commit` is called, then
the hub gets the events, then the callers go on: so a sender's reply leaves before the broadcast of what it did.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

from quart_app.realtime import Hub, Refused, leading
from quart_app.realtime.limits import GROUP_UNITS, WAITING_UNITS
from quart_app.storage.connections import inside_unit
from quart_app.storage.errors import DatabaseRefused, WriteFailed, WriterStopped
from quart_app.storage.event_log import TortoiseEventLog
from quart_app.storage.group import Job, Outcome, commit_group
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Append, Committer, Deed, UnitOfWork

logger = logging.getLogger(__name__)

T = TypeVar("T")

_BUSY_RETRY = 1.0  # s after which a refused caller may try again


class Writer(Committer):
    """The writer, which owns the writing to `event_log` and its database; `hub` gets committed events in order, and
    counts each transaction. `check` is called before each commit, and raises where that would store nothing. `witness`
    is told the deeds of each unit that has some, once it is committed, and its origin."""

    def __init__(
        self,
        event_log: TortoiseEventLog,
        hub: Hub,
        *,
        check: Callable[[], None] = lambda: None,
        witness: Callable[[Sequence[Deed], Any], object] = lambda _deeds, _origin: None,
    ) -> None:
        self.refusal: str | None = None
        """Why the database has refused the last group of writes, None where it has stored it."""
        self.stored_at = time.monotonic()
        """When it was seen to store something last (s of the monotonic clock)."""
        self._refused = 0
        self._check = check
        self._witness = witness
        self._log = event_log
        self._hub = hub
        self._waiting: deque[Job] = deque()
        self._running: Sequence[Job] = ()
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Tell whether it takes units of work: not before `start`, after `stop`, or when its task has died."""
        return self._task is not None and not self._task.done() and not self._stopping

    def start(self) -> None:
        """Start the task. Call it once, with the database open."""
        self._task = asyncio.create_task(self._serve(), name="writer")

    async def stop(self, timeout: float = 10.0) -> None:
        """Take no more units, commit those that wait, and end within `timeout` seconds."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            _, unfinished = await asyncio.wait({self._task}, timeout=timeout)
            if unfinished:
                self._task.cancel()
                await asyncio.wait(unfinished)

    async def commit(
        self,
        unit: Callable[[UnitOfWork], Awaitable[T]] | Append[T],
        *,
        key: IdempotencyKey | None = None,
        parts: Collection[IdempotencyKey] = (),
        on_commit: Callable[[T], object] | None = None,
        on_failure: Callable[[], object] | None = None,
        origin: Any = None,
    ) -> T:
        """Run `unit` inside a transaction and return its result once that is durable.

        The unit takes its place in line before the first suspension, may run twice, and is not
        cancelled with its caller. With a `key` its result must be JSON; it comes back as JSON's own
        types, the first time and every time the key is used again, when the unit does not run.
        `parts` are keys of parts of the unit: it leaves those out that are in `work.known`, and its
        result, which must be JSON too, is kept as the answer to the others.
        `on_commit` is called with the result right after the commit, in commit order, before the
        hub gets any event of it; `on_failure` is called where the unit or the commit fails, also when nobody waits for
        it any more. `origin` is handed to the witness of the unit's deeds. Raise what the unit raises (nothing of it is
        stored then), Refused (`busy`, 503) when too many wait, WriteFailed when the database did not store it.
        """
        if inside_unit():
            raise RuntimeError("a unit of work cannot wait for another one")
        if not self.running:
            raise WriterStopped("the writer does not run")
        if len(self._waiting) >= WAITING_UNITS:
            raise Refused("busy", "too many changes are waiting", status=503, retry_after=_BUSY_RETRY)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Job(unit, key, parts, on_commit, on_failure, future, origin, leading.get()))
        self._wake.set()
        try:
            # A caller who is cancelled cancels the future alone: the unit runs, and there is nobody to tell.
            return await future
        finally:
            del future  # its exception refers to this frame

    async def _serve(self) -> None:
        try:
            while not (self._stopping and not self._waiting):
                if self._waiting:
                    size = min(len(self._waiting), GROUP_UNITS)
                    self._running = [self._waiting.popleft() for _ in range(size)]
                    began = time.perf_counter()
                    outcomes = await commit_group(self._running, self._log, self._check)
                    self._hub.counters.commits.observe(time.perf_counter() - began)
                    self._hub.counters.groups.observe(size)
                    self._announce(outcomes)
                    self._running = ()
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            for job in (*self._running, *self._waiting):
                _settle(Outcome(job, error=WriterStopped("the program stopped before this was stored")))

    def _announce(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.error is None and outcome.job.on_commit is not None:
                try:
                    outcome.job.on_commit(outcome.result)
                except Exception:
                    logger.exception("what follows a commit has failed; the commit stands")
        events = [event for outcome in outcomes for event in outcome.events]
        if events:
            try:
                self._hub.committed(events)
            except Exception:
                logger.exception("the hub has failed on the events up to position %d", events[-1].position)
        for outcome in outcomes:
            if outcome.deeds:
                self._witness(outcome.deeds, outcome.job.origin)
        self._note_failures(outcomes)
        for outcome in outcomes:
            _settle(outcome)

    def _note_failures(self, outcomes: Sequence[Outcome]) -> None:
        """Remember whether the database stores anything, and tell the operator when that changes."""
        failures = [outcome.error for outcome in outcomes if isinstance(outcome.error, WriteFailed)]
        refusals = [str(failure) for failure in failures if isinstance(failure, DatabaseRefused)]
        if any(outcome.events for outcome in outcomes):
            self.has_stored()
        elif refusals:
            self._refused += len(refusals)
            known, self.refusal = self.refusal, refusals[-1]
            if known == self.refusal:
                return  # the operator knows; what a flood of refusals would add is their number, told at the end
        if failures:
            logger.error("%d of %d writes have failed: %s", len(failures), len(outcomes), failures[0])

    def has_stored(self) -> None:
        """Note that the database was seen to store something."""
        if self.refusal is not None:
            logger.warning("the database stores again what it gets; it has refused %d writes meanwhile", self._refused)
        self.refusal, self._refused, self.stored_at = None, 0, time.monotonic()


def _settle(outcome: Outcome) -> None:
    if outcome.error is not None and outcome.job.on_failure is not None:
        outcome.job.on_failure()
    future = outcome.job.future
    if future.done():
        return
    if outcome.error is None:
        future.set_result(outcome.result)
        return
    if isinstance(outcome.error, Refused):
        # The frames that it passed through know the job, whose future holds it: all that was asked for would stay in
        # memory until the collector comes.
        outcome.error.__traceback__ = None
    future.set_exception(outcome.error)
