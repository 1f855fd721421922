import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from quart_app.realtime import Identity
from quart_app.realtime.limits import ANSWER_KEPT, IDEMPOTENCY_KEPT
from quart_app.realtime.messages.refused import Refused
from quart_app.storage.connections import reading
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.retention import Retention
from quart_app.storage.unit_of_work import UnitOfWork
from tests.storage.store import Note, Store, note, opened

KEY = IdempotencyKey("user 1", "k1")


async def test_the_same_key_again_gets_the_first_answer_and_changes_nothing(store: Store) -> None:
    told: list[Any] = []
    first = await store.writer.commit(note("one"), key=KEY, on_commit=told.append)
    again = await store.writer.commit(note("other"), key=KEY, on_commit=told.append)

    assert again == first == {"id": 1, "position": 1}
    assert told == [first, first]
    assert await store.texts() == ["one"]
    assert len(await store.events()) == len(store.relayed) == 1


async def test_repeats_in_one_group_run_once(store: Store) -> None:
    results = await asyncio.gather(*(store.writer.commit(note(str(i)), key=KEY) for i in range(50)))

    assert results == [{"id": 1, "position": 1}] * 50
    assert await store.texts() == ["0"]


async def test_a_key_is_its_scopes_own(store: Store) -> None:
    await store.writer.commit(note("one"), key=KEY)
    await store.writer.commit(note("two"), key=IdempotencyKey("user 2", "k1"))

    assert await store.texts() == ["one", "two"]


async def test_a_key_used_for_something_else_is_refused_and_nothing_is_done(store: Store) -> None:
    def asking(what: object) -> IdempotencyKey | None:
        return IdempotencyKey.of("note", Identity("7", "Ana"), "k1", what)

    results = await asyncio.gather(
        store.writer.commit(note("one"), key=asking({"text": "one", "to": [1]})),
        store.writer.commit(note("two"), key=asking({"text": "two", "to": [1]})),  # in the same group
        store.writer.commit(note("one"), key=asking({"to": [1], "text": "one"})),  # said in another order
        return_exceptions=True,
    )
    assert results[0] == results[2] == {"id": 1, "position": 1}
    assert isinstance(other := results[1], Refused)
    assert (other.code, other.status) == ("key_reused", 422)
    with pytest.raises(Refused, match="used for something else"):
        await store.writer.commit(note("two"), key=asking({"text": "two"}))
    assert await store.texts() == ["one"]


@pytest.mark.sqlite
async def test_the_keys_of_an_older_version_hold_for_whatever_is_asked(url: str, tmp_path: Path) -> None:
    async with opened(url) as store:
        first = await store.writer.commit(note("one"), key=KEY)
    with closing(sqlite3.connect(tmp_path / "envivo.db")) as old, old:
        old.execute("UPDATE idempotency_keys SET fingerprint = NULL")
    async with opened(url) as store:
        assert await store.writer.commit(note("two"), key=IdempotencyKey("user 1", "k1", "f1")) == first


async def test_an_answer_outlives_the_process(url: str) -> None:
    async with opened(url) as store:
        first = await store.writer.commit(note("one"), key=KEY)
    async with opened(url) as store:
        assert await store.writer.commit(note("other"), key=KEY) == first
        assert await store.texts() == ["one"]


async def test_a_refusal_is_no_answer(store: Store) -> None:
    async def refuse(_work: UnitOfWork) -> None:
        raise Refused("not_yet", "not yet")

    results = await asyncio.gather(
        store.writer.commit(refuse, key=KEY), store.writer.commit(note("one"), key=KEY), return_exceptions=True
    )

    assert isinstance(results[0], Refused)
    assert results[1] == {"id": 1, "position": 1}


async def test_the_first_answer_survives_a_group_that_is_undone(store: Store) -> None:
    async def crash(_work: UnitOfWork) -> None:
        await Note.create(text="never")
        raise KeyError("bug")

    results = await asyncio.gather(
        store.writer.commit(note("one"), key=KEY),
        store.writer.commit(crash),
        store.writer.commit(note("other"), key=KEY),
        return_exceptions=True,
    )

    assert results[0] == results[2] == {"id": ANY, "position": 1}
    assert isinstance(results[1], KeyError)
    assert await store.texts() == ["one"]


async def test_the_first_caller_gets_what_a_repeat_gets(store: Store) -> None:
    async def unit(_work: UnitOfWork) -> Any:
        return {"pair": (1, 2), 3: None}

    first = await store.writer.commit(unit, key=KEY)
    assert first == await store.writer.commit(unit, key=KEY) == {"pair": [1, 2], "3": None}


async def test_an_answer_that_is_not_json_undoes_its_unit(store: Store) -> None:
    async def unit(work: UnitOfWork) -> object:
        await note("never")(work)
        return object()

    with pytest.raises(TypeError):
        await store.writer.commit(unit, key=KEY)
    assert await store.texts() == []
    assert await store.events() == []


async def test_of_a_large_answer_only_that_it_was_given_is_kept(store: Store) -> None:
    async def unit(work: UnitOfWork) -> str:
        await note("one")(work)
        return "x" * ANSWER_KEPT

    assert await store.writer.commit(unit, key=KEY) == "x" * ANSWER_KEPT
    for others in ((), (note("two"),)):  # alone, and in one group with another
        results = await asyncio.gather(
            store.writer.commit(unit, key=KEY), *map(store.writer.commit, others), return_exceptions=True
        )
        assert isinstance(results[0], Refused)
        assert (results[0].code, results[0].status) == ("answer_not_kept", 409)
    assert await store.texts() == ["one", "two"]
    _, rows = await reading().execute_query("SELECT length(answer) AS n FROM idempotency_keys")
    assert [row["n"] for row in rows] == [0]


def parts(*names: str) -> list[IdempotencyKey]:
    return [IdempotencyKey("user 1", name, f"fingerprint of {name}") for name in names]


def noting(keys: list[IdempotencyKey]) -> Any:
    """A unit with a part for each key."""

    async def unit(work: UnitOfWork) -> dict[str, Any]:
        new = [key.key for key in keys if key not in work.known]
        for name in new:
            await note(name)(work)
        return {"new": new, "known": [work.known[key]["new"] for key in keys if key in work.known]}

    return unit


async def test_the_parts_of_a_unit_are_done_once_each(store: Store) -> None:
    first, second, third = parts("a", "b"), parts("b", "c"), parts("a", "c", "d")
    one, two = await asyncio.gather(  # in one group
        store.writer.commit(noting(first), parts=first), store.writer.commit(noting(second), parts=second)
    )
    three = await store.writer.commit(noting(third), parts=third)
    assert (one["new"], one["known"]) == (["a", "b"], [])
    assert (two["new"], two["known"]) == (["c"], [["a", "b"]])
    assert (three["new"], three["known"]) == (["d"], [["a", "b"], ["c"]])
    assert await store.texts() == ["a", "b", "c", "d"]
    assert await store.writer.commit(note("x"), key=parts("d")[0]) == three


async def test_a_part_that_was_something_else_before_stops_the_unit(store: Store) -> None:
    await store.writer.commit(noting(parts("a")), parts=parts("a"))
    other = [*parts("b"), IdempotencyKey("user 1", "a", "of another")]
    with pytest.raises(Refused, match="used for something else"):
        await store.writer.commit(noting(other), parts=other)
    assert await store.texts() == ["a"]
    await store.writer.commit(noting(parts("b")), parts=parts("b"))
    assert await store.texts() == ["a", "b"]


async def test_a_unit_of_many_parts(store: Store) -> None:
    async def unit(work: UnitOfWork) -> int:
        return len(work.known)

    many = parts(*map(str, range(2_500)))
    assert await store.writer.commit(unit, parts=many[:1_700]) == 0
    assert await store.writer.commit(unit, parts=many) == 1_700
    assert await store.writer.commit(unit, parts=many) == 2_500


@pytest.mark.parametrize("key", ["", "x" * 129, "a\0b", "a\nb", "\ud800"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(Refused, match="a key is 1 to 128 printable characters"):
        IdempotencyKey("user 1", key)


async def test_keys_are_kept_for_a_day_at_least_and_then_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert IDEMPOTENCY_KEPT >= 24 * 3600
    for i in range(12):
        await store.writer.commit(note(str(i)), key=IdempotencyKey("user 1", str(i)))
    assert await Retention(store.writer, store.log, 1_000).purge() == 0
    monkeypatch.setattr("quart_app.storage.retention.TRIM_BATCH", 5)

    assert await Retention(store.writer, store.log, 1_000, keys=-1).purge() == 12
    _, rows = await reading().execute_query("SELECT count(*) AS n FROM idempotency_keys")
    assert rows[0]["n"] == 0


@pytest.mark.sqlite
async def test_keys_are_looked_up_by_index(store: Store) -> None:
    statement = "WITH wanted (scope, key) AS (VALUES (?, ?)) SELECT answer FROM wanted CROSS JOIN idempotency_keys AS g"
    _, plan = await reading().execute_query(
        f"EXPLAIN QUERY PLAN {statement} WHERE g.scope = wanted.scope AND g.key = wanted.key", ["a", "b"]
    )
    assert any("SEARCH g USING INDEX" in row["detail"] for row in plan)
