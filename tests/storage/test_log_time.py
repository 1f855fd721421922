"""A clock that is wrong forgets nothing, is told to the operator, and is made up for when it is right after all."""

from dataclasses import dataclass

import pytest

from quart_app.realtime import limits
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.retention import Retention
from quart_app.surroundings import Surroundings
from tests.storage.store import Store, note, opened

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
START = 1_800_000_000_000  # ms since the Unix epoch


@dataclass
class Clock:
    """The clock on the wall, in ms, and the one that never jumps, in s."""

    wall: int = START
    time: float = 1_000.0

    def put_forward(self, seconds: float) -> None:
        self.wall += round(seconds * 1000)

    def pass_(self, seconds: float) -> None:
        self.wall += round(seconds * 1000)
        self.time += seconds

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(time=lambda: self.time, wall=lambda: self.wall)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which everything is stored."""
    clock = Clock()
    for module in ("unit_of_work", "idempotency"):
        monkeypatch.setattr(f"quart_app.storage.{module}.now", lambda: clock.wall)
    return clock


@pytest.fixture
def retention(store: Store, clock: Clock) -> Retention:
    return Retention(store.writer, store.log, 1_000_000, surroundings=clock.surroundings)


async def write(store: Store, count: int = 10) -> None:
    for number in range(count):
        await store.writer.commit(note(f"{number}"), key=IdempotencyKey("user 1", f"{len(store.relayed)}"))


async def run(retention: Retention, clock: Clock, seconds: float) -> tuple[int, int]:
    """Let time pass as `Retention.run` does; return how many events and keys were forgotten."""
    events = keys = 0
    for _ in range(round(seconds / limits.TRIM_INTERVAL)):
        clock.pass_(limits.TRIM_INTERVAL)
        events += await retention.trim()
        keys += await retention.purge()
    return events, keys


async def leap(retention: Retention, clock: Clock, seconds: float) -> tuple[int, int]:
    """Let much time pass at once, with a look at its end."""
    clock.pass_(seconds)
    return await retention.trim(), await retention.purge()


async def test_a_clock_a_month_ahead_for_some_minutes_erases_nothing(
    store: Store, clock: Clock, retention: Retention, caplog: pytest.LogCaptureFixture
) -> None:
    await write(store)
    assert await run(retention, clock, 3 * MINUTE) == (0, 0)
    clock.put_forward(31 * DAY)
    assert await run(retention, clock, MINUTE) == (0, 0)
    assert "put forward by 31 days" in caplog.text
    await write(store)  # stamped ahead
    assert await run(retention, clock, 5 * MINUTE) == (0, 0)
    clock.put_forward(-31 * DAY)
    assert await run(retention, clock, 5 * MINUTE) == (0, 0)
    assert "put back by 31 days" in caplog.text
    assert len(await store.events()) == 20


async def test_what_a_clock_that_was_ahead_has_stamped_holds_nothing_up(
    store: Store, clock: Clock, retention: Retention
) -> None:
    await write(store, 2)
    clock.put_forward(365 * DAY)
    await write(store, 3)
    clock.put_forward(-365 * DAY)
    await write(store, 4)
    await retention.trim()
    assert await leap(retention, clock, 3 * DAY) == (0, 2)  # the keys that were stored ahead count from the first look
    assert await leap(retention, clock, 3 * DAY) == (0, 7)
    assert await leap(retention, clock, limits.RETENTION_AGE) == (9, 0)


async def test_keys_outlive_a_clock_that_is_two_days_ahead(store: Store, clock: Clock, retention: Retention) -> None:
    await write(store)
    await retention.purge()
    clock.put_forward(49 * HOUR)
    assert await run(retention, clock, 10 * MINUTE) == (0, 0)
    # The contract promises a day, whatever the clock says.
    assert (await leap(retention, clock, 23 * HOUR))[1] == 0
    assert (await leap(retention, clock, 2 * HOUR))[1] == 10


async def test_a_clock_that_was_behind_at_the_start_is_believed_in_the_end(
    store: Store, clock: Clock, retention: Retention
) -> None:
    clock.put_forward(-400 * DAY)  # a machine without a clock of its own, before it has asked for the time
    await write(store)
    await retention.trim()
    clock.put_forward(400 * DAY)
    assert await run(retention, clock, 10 * MINUTE) == (0, 0)
    assert (await leap(retention, clock, 25 * HOUR))[1] == 10
    await write(store, 1)
    # By now events are aged twice as fast, until the time that is believed has caught up.
    assert (await leap(retention, clock, 16 * DAY))[0] == 10
    assert await leap(retention, clock, 400 * DAY) == (1, 1)


async def test_over_restarts_with_a_wrong_clock_a_day_passes_at_most(
    url: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def of(store: Store) -> Retention:
        return Retention(store.writer, store.log, 1_000_000, surroundings=clock.surroundings)

    async with opened(url) as store:
        await write(store)
        await run(of(store), clock, 2 * MINUTE)
    clock.put_forward(60 * DAY)
    async with opened(url) as store:
        await write(store)  # what is stamped ahead must not be taken for the time
        assert await run(of(store), clock, 5 * MINUTE) == (0, 0)
        assert "after the time that the database was used last" in caplog.text
    async with opened(url) as store:
        assert (await run(of(store), clock, 5 * MINUTE))[0] == 0


async def test_a_laptop_that_runs_an_hour_a_day_keeps_what_is_due_and_no_more(url: str, clock: Clock) -> None:
    forgotten: list[tuple[int, int]] = []
    for _ in range(40):
        async with opened(url) as store:
            await write_one(store, clock)
            retention = Retention(store.writer, store.log, 1_000_000, surroundings=clock.surroundings)
            await retention.trim()
            forgotten.append(await leap(retention, clock, HOUR))
        clock.pass_(23 * HOUR)
        clock.time = 5.0  # another boot
    assert sum(events for events, _ in forgotten) == 10
    assert sum(keys for _, keys in forgotten) == 38


async def write_one(store: Store, clock: Clock) -> None:
    await store.writer.commit(note("one"), key=IdempotencyKey("user 1", f"{clock.wall}"))
