import asyncio
import contextlib
import logging
from typing import NoReturn

import pytest

from quart_app.realtime.clients.leases import NoLease
from quart_app.realtime.flow.log import Trimmed
from quart_app.storage import retention
from quart_app.storage.connections import writing
from quart_app.storage.errors import DatabaseAway
from quart_app.storage.retention import Retention
from quart_app.storage.unit_of_work import UnitOfWork
from tests.storage.store import Store, note

DAY = 86_400.0


async def fill(store: Store, events: int) -> None:
    async def unit(work: UnitOfWork) -> None:
        for i in range(events):
            work.record("log/a", "happened", i)

    await store.writer.commit(unit)


async def age(store: Store, upto: int, seconds: float) -> None:
    """Make the events up to a position that much older."""
    await store.writer.commit(
        lambda _: writing().execute_query(
            f"UPDATE event_log SET at = at - {round(seconds * 1000)} WHERE position <= {upto}"
        )
    )


async def test_the_newest_events_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TRIM_BATCH", 7)  # so that it takes several transactions
    await fill(store, 50)

    assert await Retention(store.writer, store.log, 20).trim() == 30
    assert await store.log.floor() == 30
    assert [event.position for event in await store.events()] == list(range(31, 51))
    assert await Retention(store.writer, store.log, 20).trim() == 0


async def test_old_events_go_even_when_they_are_few(store: Store) -> None:
    await fill(store, 10)
    await age(store, 4, 2 * DAY)

    assert await Retention(store.writer, store.log, 1_000, age=DAY).trim() == 4
    assert await store.log.floor() == 4
    assert [event.position for event in await store.events()] == list(range(5, 11))


async def log_bytes(store: Store) -> int:
    """About the bytes of all events, counted one by one."""
    return sum(len(event.fields) + 2 * len(event.topic) + len(event.type) + 40 for event in await store.events())


async def record(store: Store, count: int, text: str, topic: str = "log/a") -> None:
    async def unit(work: UnitOfWork) -> None:
        for _ in range(count):
            work.record(topic, "happened", text)

    await store.writer.commit(unit)


async def test_what_is_stored_is_bounded_in_bytes(store: Store) -> None:
    """Whatever the events are like, and whatever text they hold; what was measured once is not measured again."""
    most = 2_000_000
    subject = Retention(store.writer, store.log, 10**9, bytes=most)
    for count, text in ((3_000, "x" * 100), (100, "ñ" * 30_000), (1_500, "y"), (700, "€" * 1_000), (1_234, "z" * 10)):
        await record(store, count, text)
        head = await store.log.head()
        await subject.trim()
        kept = await store.events()
        assert [event.position for event in kept] == list(range(head - len(kept) + 1, head + 1))
        assert await store.log.floor() == head - len(kept)
        assert await log_bytes(store) <= most
        assert await subject.trim() == 0
    await record(store, 5_000, "x" * 900)
    assert await subject.trim() > 0
    assert most - 100 * 1_000 < await log_bytes(store) <= most  # no more has gone than it takes, but for a stretch


async def test_a_log_that_is_trimmed_by_number_too_is_measured_right(store: Store) -> None:
    subject = Retention(store.writer, store.log, 500, bytes=40_000)
    for _ in range(20):
        await record(store, 90, "x" * 20)
        await subject.trim()
        assert len(await store.events()) <= 500
        assert await log_bytes(store) <= 40_000
    assert len(await store.events()) > 250
    assert subject._size.upto == await store.log.head()
    assert abs(subject._size.bytes - await log_bytes(store)) < 10_000


async def whole_or_trimmed(store: Store, after: int) -> str:
    try:
        events = await store.log.read(["log/a"], after, 300, 5)
    except Trimmed:
        return "trimmed"
    assert [event.position for event in events] == list(range(after + 1, after + 6))
    return "read"


async def test_a_reader_below_the_floor_is_told_at_any_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However reading and trimming interleave: the next events without a hole, or Trimmed."""
    monkeypatch.setattr(retention, "TRIM_BATCH", 10)
    await fill(store, 300)
    trimming = asyncio.create_task(Retention(store.writer, store.log, 0).trim())
    outcomes = set()
    while not trimming.done():
        for after in range(0, 300, 30):
            outcomes.add(await whole_or_trimmed(store, after))
    assert await trimming == 300
    assert outcomes == {"read", "trimmed"}


async def test_writes_go_on_between_the_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TRIM_BATCH", 10)
    await fill(store, 500)
    trimming = asyncio.create_task(Retention(store.writer, store.log, 0).trim())
    written = 0
    while not trimming.done():
        await store.writer.commit(note(str(written)))
        written += 1
    assert written > 10
    assert await trimming >= 500
    assert await store.log.head() == 500 + written


async def test_it_runs_by_itself_and_survives_a_failure(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "TRIM_INTERVAL", 0.001)
    subject = Retention(store.writer, store.log, 5)
    trim, trimmed = subject.trim, asyncio.Event()
    failures = [OSError("the disk is tired")]

    async def failing_once() -> int:
        if failures:
            raise failures.pop()
        removed = await trim()
        trimmed.set()
        return removed

    monkeypatch.setattr(subject, "trim", failing_once)
    await fill(store, 10)
    running = asyncio.create_task(subject.run())
    async with asyncio.timeout(5):
        await trimmed.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert await store.log.floor() == 5
    assert "the disk is tired" in caplog.text


class FailingLease(NoLease):
    """A lease that ends each work with an error."""

    def __init__(self, error: Exception, *, held: bool) -> None:
        super().__init__()
        self.held = held
        self.again = asyncio.Event()
        self._error = error
        self._times = 0

    def hold(self) -> NoReturn:
        self._times += 1
        if self._times > 1:
            self.again.set()
        raise self._error


@pytest.mark.parametrize(
    ("error", "held", "told"),
    [
        (DatabaseAway("the server is away"), True, {(logging.WARNING, False)}),
        (TimeoutError(), False, set()),
        (TimeoutError(), True, {(logging.ERROR, True)}),
    ],
)
async def test_a_lost_lease_and_a_database_that_is_away_are_no_failures_of_the_program(
    store: Store,
    error: Exception,
    held: bool,
    told: set[tuple[int, bool]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "TRIM_INTERVAL", 0.001)
    lease = FailingLease(error, held=held)
    running = asyncio.create_task(Retention(store.writer, store.log, 5, lease=lease).run())
    async with asyncio.timeout(5):
        await lease.again.wait()
    running.cancel()
    await asyncio.wait([running])
    records = [record for record in caplog.records if record.name == retention.__name__]
    assert {(record.levelno, record.exc_info is not None) for record in records} == told


async def test_the_heads_of_the_topics_that_are_left(store: Store) -> None:
    assert await store.log.heads("", 9) == {}
    for topic in ("b", "a", "b/c", "a", "b"):
        await store.writer.commit(note("x", topic))
    assert await store.log.heads("", 9) == {"a": 4, "b": 5, "b/c": 3}
    assert await store.log.heads("", 2) == {"a": 4, "b": 5}
    assert await store.log.heads("b", 9) == {"b/c": 3}

    await Retention(store.writer, store.log, 1).trim()
    assert await store.log.heads("", 9) == {"b": 5}
