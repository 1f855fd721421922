"""How far the program's own readers have come, in the database."""

import pytest

from quart_app.realtime import Leading, Refused, leading
from quart_app.storage import event_log, readers
from quart_app.storage.connections import writing
from quart_app.storage.leases import StoredLeases
from quart_app.storage.readers import StoredReaders
from quart_app.storage.unit_of_work import Append, UnitOfWork
from quart_app.wire import Cursor
from tests.storage.store import Store, note


async def test_a_new_reader_begins_once_and_goes_on_from_where_it_was(store: Store) -> None:
    stored = StoredReaders(store.writer)
    assert await stored.place_of("a") is None
    await stored.begin(["a", "b"], Cursor("e1", 5))
    await stored.keep("a", Cursor("e2", 8))
    await stored.begin(["a", "b", "c"], Cursor("e2", 9))
    places = [await stored.place_of(name) for name in "abc"]
    assert places == [Cursor("e2", 8), Cursor("e1", 5), Cursor("e2", 9)]


async def test_those_furthest_behind_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "READERS", 2)
    stored = StoredReaders(store.writer)
    for position, name in enumerate("abc"):
        await stored.begin([name], Cursor("e1", position))
    assert [await stored.place_of(name) for name in "abc"] == [None, Cursor("e1", 1), Cursor("e1", 2)]


async def test_whoever_has_lost_the_lease_cannot_say_how_far_it_has_come(store: Store) -> None:
    first, stored = StoredLeases(store.writer), StoredReaders(store.writer)
    term = await first.take("on a")
    assert term is not None
    token = leading.set(Leading("on a", term))
    try:
        await stored.keep("on a", Cursor("e1", 5))
        await first.release("on a", term)
        assert await StoredLeases(store.writer).take("on a") == term + 1
        with pytest.raises(Refused) as refused:
            await stored.keep("on a", Cursor("e1", 6))
    finally:
        leading.reset(token)
    assert refused.value.code == "not_leading"
    assert await stored.place_of("on a") == Cursor("e1", 5)


async def test_a_key_lasts_until_its_reader_has_come_past_its_event(store: Store) -> None:
    stored = StoredReaders(store.writer)

    async def again() -> list[str]:
        """Do once more what two readers do because of two events; return which of it is done."""
        before = len(await store.texts())
        for name, position in (("a", 5), ("a", 12), ("b", 5)):
            await store.writer.commit(note(f"{name} {position}"), key=readers.key_of(name, Cursor("e1", position)))
        return (await store.texts())[before:]

    assert await again() == ["a 5", "a 12", "b 5"]
    assert await again() == []
    await stored.keep("a", Cursor("e1", 12))
    assert await again() == ["a 5"]


async def test_depths_are_forgotten_with_their_events(store: Store) -> None:
    def deep(work: UnitOfWork) -> None:
        readers.note_depth(work, work.record("log/a", "said").position, 3)

    stored = StoredReaders(store.writer)
    await store.writer.commit(note("one"))
    for _ in range(2):
        await store.writer.commit(Append(deep))
    assert await stored.depths(1, 3) == {2: 3, 3: 3}
    assert await stored.depths(3, 3) == {3: 3}

    async def trim(_work: UnitOfWork) -> None:
        await event_log.trim(writing(), 2, 0, 100)

    await store.writer.commit(trim)
    assert await stored.depths(1, 3) == {3: 3}
