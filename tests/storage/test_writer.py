import asyncio
import contextlib
import gc
import sqlite3
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from quart_app.realtime.messages.refused import Refused
from quart_app.storage import transaction, writer
from quart_app.storage.connections import writing
from quart_app.storage.errors import DatabaseRefused, UnitTimeout, WriteFailed, WriteOutsideUnit, WriterStopped
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Append, UnitOfWork
from tests.storage.store import TOPIC, Note, Store, note, opened
from tests.stores import sqlite_url

Unit = Callable[[UnitOfWork], Awaitable[Any]]


async def together(store: Store, *units: Unit | Append[Any]) -> list[Any]:
    """Run `units` in one group and return their results and errors: all wait before the writer wakes."""
    return await asyncio.gather(*(store.writer.commit(unit) for unit in units), return_exceptions=True)


async def first_id() -> int:
    """The id of the first note; PostgreSQL does not give an id again that was taken back."""
    return int((await Note.all().order_by("id"))[0].id)


async def assert_stored(store: Store, *texts: str) -> None:
    """Exactly these notes are stored, each with its event, and the relay got those events in order."""
    assert sorted(await store.texts()) == sorted(texts)
    events = await store.events()
    assert [event.fields.decode() for event in events] == [f'{{"data":{{"text":"{text}"}}}}' for text in texts]
    assert [event.position for event in events] == list(range(1, len(texts) + 1))
    assert [(event.position, event.json) for event in store.relayed] == [(e.position, e.json) for e in events]


def failing(error: Exception, *, after_write: bool) -> Unit:
    async def unit(work: UnitOfWork) -> None:
        if after_write:
            await Note.create(text="never")
        work.record(TOPIC, "noted", {"text": "never"})
        raise error

    return unit


async def test_a_change_and_its_event_are_stored_together(store: Store) -> None:
    result = await store.writer.commit(note("one"))

    assert result == {"id": 1, "position": 1}
    await assert_stored(store, "one")
    event = store.relayed[0]
    assert (event.topic, event.type, event.cursor) == (TOPIC, "noted", str(store.log.cursor(1)))


async def test_a_group_is_stored_in_the_order_of_asking(store: Store) -> None:
    results = await together(store, *(note(f"n{i}") for i in range(600)))

    assert [result["position"] for result in results] == list(range(1, 601))
    await assert_stored(store, *(f"n{i}" for i in range(600)))


@pytest.mark.parametrize("after_write", [False, True])
@pytest.mark.parametrize("error", [Refused("no", "not this one"), KeyError("bug"), TimeoutError("of its own")])
async def test_a_failing_unit_fails_alone(store: Store, error: Exception, after_write: bool) -> None:
    results = await together(store, note("one"), failing(error, after_write=after_write), note("two"))

    assert results[1] is error
    assert [result["position"] for result in (results[0], results[2])] == [1, 2]
    await assert_stored(store, "one", "two")


async def test_units_run_again_only_where_something_has_to_be_undone(store: Store) -> None:
    runs: list[str] = []

    def counted(name: str, unit: Unit) -> Unit:
        async def run(work: UnitOfWork) -> Any:
            runs.append(name)
            return await unit(work)

        return run

    await together(store, counted("a", note("a")), counted("no", failing(Refused("no", "no"), after_write=False)))
    assert runs == ["a", "no"]
    runs.clear()
    await together(store, counted("b", note("b")), counted("no", failing(Refused("no", "no"), after_write=True)))
    assert runs == ["b", "no", "b", "no"]
    await assert_stored(store, "a", "b")


async def test_a_broken_constraint_reaches_the_caller_as_what_it_is(store: Store) -> None:
    async def duplicate(_work: UnitOfWork) -> None:
        await Note.create(id=await first_id(), text="never")

    results = await together(store, note("one"), duplicate, note("two"))

    assert isinstance(results[1], IntegrityError)
    await assert_stored(store, "one", "two")


async def test_a_unit_may_catch_an_error_of_the_database_and_refuse(store: Store) -> None:
    async def duplicate(_work: UnitOfWork) -> None:
        try:
            await Note.create(id=await first_id(), text="never")
        except IntegrityError as error:
            raise Refused("exists", "there is one already", status=409) from error

    results = await together(store, note("one"), duplicate, note("two"))

    assert isinstance(results[1], Refused)
    await assert_stored(store, "one", "two")


async def test_what_json_cannot_hold_fails_its_unit_alone(store: Store) -> None:
    async def odd(work: UnitOfWork) -> None:
        await Note.create(text="never")
        work.record(TOPIC, "noted", object())

    results = await together(store, note("one"), odd)

    assert isinstance(results[1], TypeError)
    await assert_stored(store, "one")


@pytest.mark.parametrize(("topic", "type_"), [("no topic", "noted"), ("", "noted"), (TOPIC, ""), (TOPIC, "a\0b")])
async def test_an_event_has_a_proper_topic_and_type(store: Store, topic: str, type_: str) -> None:
    async def unit(work: UnitOfWork) -> None:
        work.record(topic, type_)

    with pytest.raises(ValueError, match="is not"):
        await store.writer.commit(unit)


async def test_a_unit_sees_its_own_changes_and_readers_do_not_until_the_commit(store: Store) -> None:
    inside: list[int] = []
    started, go_on = asyncio.Event(), asyncio.Event()

    async def unit(work: UnitOfWork) -> None:
        await note("one")(work)
        inside.append(await Note.all().count())
        started.set()
        await go_on.wait()

    running = asyncio.create_task(store.writer.commit(unit))
    async with asyncio.timeout(5):
        await started.wait()
        # The unit still holds the writer's connection: nobody who reads waits for it.
        assert await Note.all().count() == 0
        assert await store.events() == []
        go_on.set()
        await running
    assert inside == [1]
    await assert_stored(store, "one")


async def test_a_reply_goes_out_before_the_broadcast_and_the_caller_last(url: str) -> None:
    order: list[str] = []
    async with opened(url, lambda events: order.extend(f"told {event.position}" for event in events)) as store:

        async def caller(name: str) -> None:
            await store.writer.commit(note(name), on_commit=lambda _: order.append(f"committed {name}"))
            order.append(f"returned {name}")

        await asyncio.gather(caller("a"), caller("b"))
    assert order == ["committed a", "committed b", "told 1", "told 2", "returned a", "returned b"]


async def test_what_follows_a_commit_cannot_undo_or_stop_it(url: str, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a mistake elsewhere")

    async with opened(url, broken) as store:
        assert (await store.writer.commit(note("one"), on_commit=broken))["position"] == 1
        assert (await store.writer.commit(note("two")))["position"] == 2
        assert await store.texts() == ["one", "two"]
    assert "what follows a commit has failed" in caplog.text
    assert "the hub has failed" in caplog.text


async def test_rows_change_inside_a_unit_only(store: Store) -> None:
    escaped: list[UnitOfWork] = []

    async def unit(work: UnitOfWork) -> None:
        escaped.append(work)

    await store.writer.commit(unit)
    with pytest.raises(WriteOutsideUnit, match="Note"):
        await Note.create(text="never")
    with pytest.raises(WriteOutsideUnit):
        writing()
    with pytest.raises(WriteOutsideUnit):
        escaped[0].record(TOPIC, "noted")
    await assert_stored(store)


async def test_a_unit_cannot_wait_for_another_one(store: Store) -> None:
    async def unit(_work: UnitOfWork) -> None:
        await store.writer.commit(note("inner"))

    with pytest.raises(RuntimeError, match="cannot wait"):
        await store.writer.commit(unit)
    await assert_stored(store)


async def test_a_unit_that_takes_too_long_is_undone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "UNIT_TIMEOUT", 1.0)

    async def endless(work: UnitOfWork) -> None:
        await note("never")(work)
        await asyncio.Event().wait()

    results = await together(store, note("one"), endless, note("two"))

    assert isinstance(results[1], UnitTimeout)
    await assert_stored(store, "one", "two")


async def test_too_many_waiting_units_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WAITING_UNITS", 3)

    results = await together(store, *(note(str(i)) for i in range(5)))

    assert [type(result) for result in results] == [dict, dict, dict, Refused, Refused]
    assert (results[3].code, results[3].status, results[3].retry_after) == ("busy", 503, 1.0)
    await assert_stored(store, "0", "1", "2")


@pytest.mark.sqlite
async def test_a_full_disk_fails_the_write_and_the_writer_goes_on(store: Store) -> None:
    async def limit(pages: str) -> None:
        await store.writer.commit(lambda _work: writing().execute_query(f"PRAGMA max_page_count = {pages}"))

    await store.writer.commit(note("one"))
    await limit("1")  # SQLite takes the number of pages it has
    huge = note("x" * 1_000_000)
    results = await together(store, huge, huge)
    assert [type(result) for result in results] == [DatabaseRefused, DatabaseRefused]
    await limit("1000000")
    await store.writer.commit(note("two"))
    await assert_stored(store, "one", "two")


@pytest.mark.sqlite
async def test_a_commit_that_fails_fails_all_of_its_group_and_nobody_hears_of_it(store: Store) -> None:
    async def parents(_work: UnitOfWork) -> None:
        await writing().execute_query(
            "CREATE TABLE child (note_id INT REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)"
        )

    async def orphan(_work: UnitOfWork) -> None:
        await writing().execute_query("INSERT INTO child VALUES (99)")  # SQLite notices at the commit

    await store.writer.commit(parents)
    results = await together(store, note("never"), orphan)
    assert [type(result) for result in results] == [DatabaseRefused, DatabaseRefused]
    assert results[0] is not results[1]
    await assert_stored(store)
    await store.writer.commit(note("one"))
    await assert_stored(store, "one")


async def test_a_locked_file_fails_the_write_and_the_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "envivo.db"
    async with opened(sqlite_url(path, busy_timeout=20)) as store:
        intruder = sqlite3.connect(path, isolation_level=None)
        intruder.execute("BEGIN IMMEDIATE")
        with pytest.raises(WriteFailed, match="locked"):
            await store.writer.commit(note("never"))
        intruder.rollback()
        intruder.close()
        await store.writer.commit(note("one"))
        await assert_stored(store, "one")


async def test_stopping_finishes_what_waits_and_refuses_the_rest(store: Store) -> None:
    waiting = [asyncio.create_task(store.writer.commit(note(str(i)))) for i in range(10)]
    await asyncio.sleep(0)  # each has taken its place in line
    await store.writer.stop()

    assert [(await task)["position"] for task in waiting] == list(range(1, 11))
    with pytest.raises(WriterStopped):
        await store.writer.commit(note("late"))
    await assert_stored(store, *(str(i) for i in range(10)))


async def test_stopping_is_bounded_and_tells_those_who_wait(store: Store) -> None:
    started = asyncio.Event()

    async def endless(work: UnitOfWork) -> None:
        await note("never")(work)
        started.set()
        await asyncio.Event().wait()

    waiting = [asyncio.create_task(store.writer.commit(unit)) for unit in (endless, note("never"))]
    await started.wait()
    async with asyncio.timeout(5):
        await store.writer.stop(timeout=0.01)
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [WriterStopped, WriterStopped]
    await assert_stored(store)


ADD_NOTE = "INSERT INTO note (id, text) VALUES (?, ?)"


def appended(text: str, *, id: int | None = None, error: Exception | None = None) -> Append[int]:
    """A unit that stores a note without looking anything up."""

    def unit(work: UnitOfWork) -> int:
        event = work.record(TOPIC, "noted", {"text": text})
        work.add(ADD_NOTE, id or event.position, text)
        if error is not None:
            raise error
        return event.position

    return Append(unit)


class TestAppending:
    async def test_units_of_both_kinds_are_stored_in_the_order_of_asking(self, store: Store) -> None:
        seen: list[list[str]] = []

        async def looking(work: UnitOfWork) -> None:
            seen.append(await store.texts())
            await Note.create(id=30, text="three")
            work.record(TOPIC, "noted", {"text": "three"})

        results = await together(store, appended("one"), appended("two"), looking, appended("four", id=40))

        assert [results[0], results[1], results[3]] == [1, 2, 4]
        assert seen == [["one", "two"]]
        await assert_stored(store, "one", "two", "three", "four")

    async def test_rows_that_nobody_looks_at_are_stored_at_the_end_of_all_units(self, store: Store) -> None:
        seen: list[list[str]] = []

        def unread(id: int, text: str) -> Callable[[UnitOfWork], Awaitable[None]]:
            async def unit(work: UnitOfWork) -> None:
                seen.append(await store.texts())
                work.add_unread(ADD_NOTE, id, text)
                work.record(TOPIC, "noted", {"text": text})

            return unit

        results = await together(store, unread(1, "one"), unread(2, "two"), appended("three", id=3), unread(2, "never"))
        assert isinstance(results[3], IntegrityError)
        assert seen[:2] == [[], []], "of one transaction"
        await assert_stored(store, "one", "two", "three")

    async def test_one_that_fails_fails_alone_and_nothing_runs_again(self, store: Store) -> None:
        refused = Refused("no", "not this one")

        results = await together(store, appended("one"), appended("never", error=refused), appended("two"))

        assert results == [1, refused, 2]
        await assert_stored(store, "one", "two")

    @pytest.mark.parametrize("last", [False, True])
    async def test_a_row_that_the_database_refuses_fails_its_unit_alone(self, store: Store, last: bool) -> None:
        after = [] if last else [appended("two")]

        results = await together(store, appended("one"), appended("never", id=1), *after)

        assert results[0] == 1
        assert isinstance(results[1], IntegrityError)
        await assert_stored(store, "one", *([] if last else ["two"]))

    async def test_a_key_gets_the_first_answer(self, store: Store) -> None:
        key = IdempotencyKey("notes", "k")
        assert await store.writer.commit(appended("one"), key=key) == 1
        assert await store.writer.commit(appended("never"), key=key) == 1
        await assert_stored(store, "one")

    async def test_after_its_end_it_stores_nothing(self, store: Store) -> None:
        escaped: list[UnitOfWork] = []
        await store.writer.commit(Append(escaped.append))
        with pytest.raises(WriteOutsideUnit):
            escaped[0].add(ADD_NOTE, 1, "never")
        await assert_stored(store)

    async def test_a_caller_who_goes_away_changes_nothing(self, store: Store) -> None:
        running = asyncio.create_task(store.writer.commit(appended("one")))
        await asyncio.sleep(0)
        running.cancel()
        assert await store.writer.commit(appended("two")) == 2
        assert running.cancelled()
        await assert_stored(store, "one", "two")


async def test_nothing_stays_of_what_was_refused(store: Store) -> None:
    """Large requests that are refused in a row take no memory until the collector comes."""

    async def try_it(text: bytearray) -> None:
        async def unit(_work: UnitOfWork) -> None:
            raise Refused("too_much", f"{len(text)} are too many")

        with contextlib.suppress(Refused):
            await store.writer.commit(unit)

    class Text(bytearray):
        """Text that can be seen to be gone."""

    texts = [Text(1_000) for _ in range(20)]
    seen = [weakref.ref(text) for text in texts]
    gc.disable()
    try:
        await asyncio.gather(*map(try_it, texts))
        texts.clear()
        await store.writer.commit(note("one"))
        assert [text() for text in seen] == [None] * 20
    finally:
        gc.enable()
