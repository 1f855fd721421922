"""Nobody learns the name of a topic that they may not follow, however they page through the list: names say who has an
account, and who brings a pet."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from quart_app.domains.topics import listing
from quart_app.storage.unit_of_work import UnitOfWork
from tests.domains.chat.people import Person
from tests.hostile.users import as_user
from tests.inside import serving
from tests.running import ServerProcess
from tests.secure import SECURE

OWN = "1350509500"
CEDULAS = [str(number) for number in range(1350509500, 1350509540)]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), **SECURE).start()
    yield server
    server.check_clean_end()


@pytest_asyncio.fixture(loop_scope="function")
async def crowded(secure: ServerProcess) -> AsyncIterator[None]:
    """Forty accounts, notices to clients, and topics that everybody may follow before and behind them."""
    async with as_user(secure.url, "boss", "admin") as boss:
        if (await boss.get(f"/api/cuentas/{OWN}")).status_code == 404:
            for cedula in CEDULAS:
                (await boss.post("/api/cuentas", json={"cedula": cedula, "nombre": "Alguien"})).raise_for_status()
            for user_id in ("ana", "eva"):
                pet = {"name": "Luna", "species": "Perro", "breed": "Criollo", "age": 3, "user_id": user_id}
                (await boss.post("/api/pets", json=pet)).raise_for_status()
            (await boss.post("/api/productos", json={"nombre": "Café", "precio": 1})).raise_for_status()
            said = [{"topic": f"log/{name}", "type": "n"} for name in ("first", "second")]
            (await boss.post("/api/publish", json=said)).raise_for_status()
        token = boss.headers["Authorization"].partition(" ")[2]
        async with Person(secure.url, "", topic=["live/watched", "user/777", "balances"], token=token) as watcher:
            await watcher.hear("connected")
            yield


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
async def test_a_page_names_what_one_may_follow_and_nothing_else(secure: ServerProcess, limit: int) -> None:
    names: list[str] = []
    told = ""
    after: str | None = ""
    async with as_user(secure.url, OWN) as holder:
        while after is not None:
            answer = await holder.get("/api/topics", params={"after": after, "limit": limit})
            page = answer.json()
            told += answer.text
            assert len(page["data"]) <= limit
            names += [topic["topic"] for topic in page["data"]]
            after = page["after"]
            assert after is None or after == names[-1]
    assert names == sorted(set(names)), "in order, none twice"
    assert set(names) >= {"live/watched", f"accounts/{OWN}", "log/first", "log/second", "products"}
    for secret in (*CEDULAS[1:], "user/", "balances", "pets", "activity-logs", "operations"):
        assert secret not in told, secret


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize("after", ["", "accounts/", f"accounts/{CEDULAS[20]}", "user/", "zzz"])
async def test_wherever_one_begins(secure: ServerProcess, after: str) -> None:
    async with as_user(secure.url, "stranger") as stranger:
        answer = await stranger.get("/api/topics", params={"after": after, "limit": 1})
        assert "accounts/" not in answer.text
        assert "user/" not in answer.text
        assert len(answer.json()["data"]) == (after not in {"zzz", "user/"})


@pytest.mark.usefixtures("crowded")
async def test_the_page_of_all_topics_names_no_others_either(secure: ServerProcess) -> None:
    async with as_user(secure.url, OWN) as holder:
        page = (await holder.get("/topics", headers={"Accept": "text/html"})).text
    assert f"accounts/{OWN}" in page
    assert "live/watched" in page
    for secret in (*CEDULAS[1:], "user/ana", "user/777", "balances"):
        assert secret not in page, secret


@pytest.mark.usefixtures("crowded")
async def test_whoever_may_follow_everything_sees_everything(secure: ServerProcess) -> None:
    async with as_user(secure.url, "boss", "admin") as boss:
        names = [topic["topic"] for topic in (await boss.get("/api/topics")).json()["data"]]
    assert {*(f"accounts/{cedula}" for cedula in CEDULAS), "user/777", "user/ana", "balances", "log/second"} <= {*names}


async def test_a_crowd_of_hidden_names_is_passed_over_bit_by_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may follow little makes nobody read everything at once, and learns no name by the place they came to."""
    monkeypatch.setattr(listing, "_LOOKED_AT", 4)
    async with serving(tmp_path / "envivo.db", **SECURE) as (app, url):

        async def unit(work: UnitOfWork) -> None:
            for cedula in CEDULAS:
                work.record(f"accounts/{cedula}", "n")
            work.record("log/last", "n")

        await app.commit(unit)
        async with as_user(url, "7") as ana:
            names: list[str] = []
            places: list[str | None] = [""]
            while (after := places[-1]) is not None:
                answer = await ana.get("/api/topics", params={"after": after, "limit": 1})
                assert "accounts" not in answer.text
                names += [topic["topic"] for topic in answer.json()["data"]]
                places.append(answer.json()["after"])
            assert names == ["log/last"]
            assert len(places) > 3
            unknown = await ana.get("/api/topics", params={"after": "~nothing"})
            assert (unknown.status_code, list(unknown.json()["error"]["fields"])) == (400, ["after"])
