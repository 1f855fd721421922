"""The practice that a new database has: whole, by the rules, and made once."""

from collections.abc import Callable
from datetime import datetime

import httpx
import pytest

from quart_app.domains.clinic import examples
from tests.domains.clinic.practice import DEADLINE, KINDS, Json
from tests.domains.clinic.store import KINDS_KEPT, Tables, opened, replay
from tests.running import ServerProcess


def everything(url: str) -> dict[str, list[Json]]:
    with httpx.Client(base_url=url, timeout=DEADLINE) as rest:
        return {kind: rest.get(f"/api/{kind}?limit=500").json()["data"] for kind in KINDS}


async def test_a_new_database_has_a_small_practice_and_keeps_it(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(empty=0)
    held = everything(server.url)
    sizes = {kind: len(held[kind]) for kind in ("employees", "services", "pets")}
    assert sizes == {"employees": 3, "services": 6, "pets": 8}
    assert len({pet["user_id"] for pet in held["pets"]}) == 6
    assert len(held["reservations"]) >= 30
    assert {visit["status"] for visit in held["reservations"]} == {"scheduled", "confirmed", "done", "cancelled"}
    assert {invoice["status"] for invoice in held["invoices"]} == {"open", "paid"}
    assert held["payments"]
    assert held["medical-history"]
    server.stop()
    server.start()
    assert everything(server.url) == held


async def test_the_streams_tell_of_the_examples_from_the_start() -> None:
    async with opened() as store:
        await store.writer.commit(examples.practice)
        tables = await store.tables()
        rebuilt: Tables = {kind: {} for kind in tables}
        replay(await store.events(), rebuilt)
        assert rebuilt == tables
        assert all(tables[kind] for kind in KINDS_KEPT)


@pytest.mark.parametrize("hour", [0, 9, 14, 23])
async def test_there_are_examples_on_every_day_at_every_hour(hour: int) -> None:
    sunday = datetime(2026, 3, 8, hour, 30, tzinfo=examples.ECUADOR)
    async with opened() as store:
        await store.writer.commit(lambda work: examples.fill(work, sunday))
        visits = (await store.tables())["reservations"].values()
    assert {visit["status"] for visit in visits} == {"scheduled", "confirmed", "done", "cancelled"}
    assert {visit["starts_at"][11:16] for visit in visits} == {"14:00", "16:00", "20:00"}
    assert any(visit["starts_at"].startswith("2026-03-08") for visit in visits)
