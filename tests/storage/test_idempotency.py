import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from quart_app.realtime import Identity
from quart_app.realtime.limits import IDEMPOTENCY_KEPT
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

    assert results[0] == results[2] == {"id": 1, "position": 1}
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


async def test_keys_are_looked_up_by_index(store: Store) -> None:
    statement = "WITH wanted (scope, key) AS (VALUES (?, ?)) SELECT answer FROM wanted CROSS JOIN idempotency_keys AS g"
    _, plan = await reading().execute_query(
        f"EXPLAIN QUERY PLAN {statement} WHERE g.scope = wanted.scope AND g.key = wanted.key", ["a", "b"]
    )
    assert any("SEARCH g USING INDEX" in row["detail"] for row in plan)
