"""Leases in the database: one holder at a time, and nothing is stored by a lease that has another term."""

import pytest

from quart_app.realtime import Leading, Refused, leading
from quart_app.storage.connections import sql, writing
from quart_app.storage.leases import StoredLeases
from quart_app.storage.unit_of_work import UnitOfWork
from tests.storage.store import Store, note


async def expire(store: Store, name: str) -> None:
    async def unit(_work: UnitOfWork) -> None:
        client = writing()
        await client.execute_query(sql("UPDATE leases SET expires_at = 1 WHERE name = ?", client), [name])

    await store.writer.commit(unit)


async def test_one_holds_a_lease_until_it_gives_it_up_or_lets_it_run_out(store: Store) -> None:
    first, second = StoredLeases(store.writer), StoredLeases(store.writer)
    assert await first.take("feed a") == 1
    assert await second.take("feed a") is None
    assert await second.take("feed b") == 1
    assert await first.renew({"feed a": 1}) == {"feed a"}

    await expire(store, "feed a")
    assert await first.renew({"feed a": 1}) == {"feed a"}, "nobody has taken it meanwhile"
    assert await second.take("feed a") is None
    await expire(store, "feed a")
    assert await second.take("feed a") == 2
    assert await first.renew({"feed a": 1}) == set()
    await first.release("feed a", 1)
    assert await first.take("feed a") is None, "it was not the first one's any more"

    await second.release("feed a", 2)
    assert await first.take("feed a") == 3


async def test_what_is_stored_by_a_lease_that_others_have_is_refused(store: Store) -> None:
    first, second = StoredLeases(store.writer), StoredLeases(store.writer)
    term = await first.take("feed a")
    assert term is not None
    token = leading.set(Leading("feed a", term))
    try:
        await store.writer.commit(note("led"))
        await expire(store, "feed a")
        await store.writer.commit(note("nobody else began"))
        await second.take("feed a")
        with pytest.raises(Refused) as refused:
            await store.writer.commit(note("too late"))
    finally:
        leading.reset(token)
    assert refused.value.code == "not_leading"
    await store.writer.commit(note("without a lease"))
    assert await store.texts() == ["led", "nobody else began", "without a lease"]
