"""What the engine may expect of an event log, asked of every one there is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quart_app.realtime.flow.log import EventLog, MemoryLog, Trimmed
from quart_app.realtime.messages.event import Event
from quart_app.storage import event_log
from quart_app.storage.connections import writing
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.wire import Cursor
from tests.storage.store import Store, new_url, opened
from tests.stores import database_url

FAR = 10**17


class Subject(Protocol):
    """A log, and how to fill it and cut it."""

    @property
    def log(self) -> EventLog: ...
    async def append(self, topic: str, *, hidden_from: str | None = None, **fields: Any) -> Event: ...
    async def trim(self, floor: int) -> None: ...


class MemorySubject:
    def __init__(self) -> None:
        self.log = MemoryLog("abc123")

    async def append(self, topic: str, *, hidden_from: str | None = None, **fields: Any) -> Event:
        return self.log.append(topic, "happened", hidden_from=hidden_from, **fields)

    async def trim(self, floor: int) -> None:
        self.log.trim(floor)


class StoredSubject:
    def __init__(self, store: Store) -> None:
        self.log = store.log
        self._writer = store.writer

    async def append(self, topic: str, *, hidden_from: str | None = None, **fields: Any) -> Event:
        async def unit(work: UnitOfWork) -> Event:
            return work.record(topic, "happened", hidden_from=hidden_from, **fields)

        return await self._writer.commit(unit)

    async def trim(self, floor: int) -> None:
        await self._writer.commit(lambda _: event_log.trim(writing(), floor, 0, FAR))


Opener = Callable[[], AbstractAsyncContextManager[Subject]]


@asynccontextmanager
async def _memory_log() -> AsyncIterator[Subject]:
    yield MemorySubject()


def _stored_log(url: str) -> Opener:
    @asynccontextmanager
    async def opener() -> AsyncIterator[Subject]:
        async with opened(url) as store:
            yield StoredSubject(store)

    return opener


@pytest.fixture(params=["memory", "stored", "sqlite in memory"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    if request.param == "memory":
        return _memory_log
    if request.param == "stored":
        return _stored_log(database_url(tmp_path / "envivo.db", migrated=True))
    return _stored_log("sqlite://:memory:")


@pytest.fixture
async def subject(opener: Opener) -> AsyncIterator[Subject]:
    async with opener() as subject:
        yield subject


async def positions(
    subject: Subject, topics: list[str] | None, after: int, until: int = FAR, limit: int = 99
) -> list[int]:
    return [event.position for event in await subject.log.read(topics, after, until, limit)]


async def test_a_new_log_is_empty(subject: Subject) -> None:
    assert await subject.log.head() == 0
    assert await subject.log.floor() == 0
    assert await positions(subject, None, 0) == []
    assert Cursor.parse(str(subject.log.cursor(0))) == subject.log.cursor(0)
    assert await subject.log.refusal(subject.log.cursor(0)) is None


async def test_positions_are_consecutive_from_one(subject: Subject) -> None:
    appended = [(await subject.append(f"log/{i % 2}")).position for i in range(5)]

    assert appended == [1, 2, 3, 4, 5]
    assert await subject.log.head() == 5
    assert await positions(subject, None, 0) == appended


async def test_an_event_comes_back_as_it_was_written(subject: Subject) -> None:
    written = await subject.append("rooms/1", hidden_from="7", data={"texto": "¡Hola, 世界! \u2028 \x00"}, extra=None)

    (read,) = await subject.log.read(["rooms/1"], 0, FAR, 1)
    assert read.json == written.json
    assert (read.topic, read.type, read.at, read.cursor) == (
        "rooms/1",
        "happened",
        written.at,
        str(subject.log.cursor(1)),
    )
    assert read.hidden_from == "7"


async def test_a_cursor_is_honoured_where_what_follows_it_is_there(subject: Subject) -> None:
    before = subject.log.cursor(0)
    for _ in range(5):
        await subject.append("a")
    cursors = [subject.log.cursor(position) for position in range(6)]
    await subject.trim(3)

    assert [await subject.log.refusal(cursor) for cursor in cursors] == ["trimmed"] * 3 + [None] * 3
    assert await subject.log.refusal(before) == "trimmed"
    assert await subject.log.refusal(cursors[5]._replace(position=6)) == "ahead_of_log"
    assert await subject.log.refusal(Cursor("another", 5)) == "unknown_log"


async def test_reading_is_by_topic_and_between_positions_and_limited(subject: Subject) -> None:
    for topic in ("a", "b", "a", "c", "b", "a"):
        await subject.append(topic)

    assert await positions(subject, ["a"], 0) == [1, 3, 6]
    assert await positions(subject, ["a", "b"], 1) == [2, 3, 5, 6]
    assert await positions(subject, ["a", "b"], 0, limit=3) == [1, 2, 3]
    assert await positions(subject, ["a"], 1, until=5) == [3]
    assert await positions(subject, ["a"], 3, until=6) == [6]
    assert await positions(subject, None, 2, until=4) == [3, 4]
    assert await positions(subject, ["nothing"], 0) == []
    assert await positions(subject, [], 0) == []
    assert await positions(subject, ["a"], 6) == []
    assert await positions(subject, ["a"], 50) == []


async def test_a_hundred_topics_at_once(subject: Subject) -> None:
    for i in range(200):
        await subject.append(f"log/{i}")

    assert await positions(subject, [f"log/{i}" for i in range(100, 200)], 0, limit=512) == list(range(101, 201))


async def test_the_newest_of_a_topic_tell_where_they_begin(subject: Subject) -> None:
    async def newest(topic: str, until: int, limit: int) -> tuple[list[int], int]:
        events, after = await subject.log.newest(topic, until, limit)
        return [event.position for event in events], after

    assert await newest("a", 0, 5) == ([], 0)
    for topic in ("a", "b", "a", "c", "b", "a"):
        await subject.append(topic)

    assert await newest("a", FAR, 5) == ([1, 3, 6], 0)
    assert await newest("a", 6, 2) == ([3, 6], 2)
    assert await newest("a", 5, 1) == ([3], 2)
    assert await newest("nothing", 6, 2) == ([], 0)
    await subject.trim(2)
    assert await newest("a", 6, 2) == ([3, 6], 2)
    assert await newest("a", 6, 5) == ([3, 6], 2)
    assert await newest("b", 4, 5) == ([], 2)


async def test_what_was_trimmed_is_told_and_the_rest_is_there(subject: Subject) -> None:
    for i in range(6):
        await subject.append("ab"[i % 2])
    await subject.trim(3)

    assert await subject.log.floor() == 3
    assert await subject.log.head() == 6
    assert await positions(subject, None, 3) == [4, 5, 6]
    assert await positions(subject, ["b"], 3) == [4, 6]
    for topics in (None, ["a"], ["nothing"], []):
        with pytest.raises(Trimmed) as trimmed:
            await subject.log.read(topics, 2, FAR, 10)
        assert trimmed.value.floor == 3


async def test_a_log_trimmed_to_its_end_goes_on_where_it_was(subject: Subject) -> None:
    for _ in range(3):
        await subject.append("a")
    await subject.trim(3)

    assert (await subject.log.floor(), await subject.log.head()) == (3, 3)
    assert await positions(subject, None, 3) == []
    assert (await subject.append("a")).position == 4
    assert await positions(subject, ["a"], 3) == [4]


_step = st.one_of(
    st.tuples(st.just("append"), st.sampled_from("abc")),
    st.tuples(st.just("trim"), st.integers(0, 12)),
    st.tuples(
        st.just("read"),
        st.tuples(
            st.none() | st.lists(st.sampled_from("abcd"), unique=True),
            st.integers(0, 14),
            st.integers(0, 14),
            st.integers(1, 5),
        ),
    ),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(_step, max_size=25))
def test_any_sequence_agrees_with_a_plain_list(steps: list[tuple[str, Any]]) -> None:
    async def against(opener: Opener) -> None:
        async with opener() as subject:
            await _check(subject, steps)

    asyncio.run(against(_memory_log))
    with new_url() as url:
        asyncio.run(against(_stored_log(url)))


async def _check(subject: Subject, steps: list[tuple[str, Any]]) -> None:
    topics: list[str] = []
    floor = 0
    for action, argument in steps:
        if action == "append":
            topics.append(argument)
            assert (await subject.append(argument)).position == len(topics)
        elif action == "trim":
            floor = max(floor, min(argument, len(topics)))
            await subject.trim(argument)
        else:
            await _check_read(subject, topics, floor, argument)
        assert (await subject.log.floor(), await subject.log.head()) == (floor, len(topics))


_Reading = tuple[list[str] | None, int, int, int]


async def _check_read(subject: Subject, topics: list[str], floor: int, reading: _Reading) -> None:
    wanted, after, until, limit = reading
    if after < floor:
        with pytest.raises(Trimmed):
            await subject.log.read(wanted, after, until, limit)
        return
    expected = [
        position
        for position, topic in enumerate(topics, 1)
        if after < position <= until and (wanted is None or topic in wanted)
    ]
    assert await positions(subject, wanted, after, until, limit) == expected[:limit]
