"""In secure mode: those who work here do all, owners see what is theirs, strangers nothing."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from websockets.asyncio.client import connect

from quart_app.config import Settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.domains.clinic.practice import DEADLINE, KINDS, LUNA, Practice, assert_refused, old_client
from tests.running import ServerProcess

SETTINGS = Settings(access="secure", secret_key="x" * 40)


def token(user_id: str, role: str = "user") -> str:
    return issue_token(SETTINGS.front, Identity(user_id, user_id, role), timedelta(minutes=5))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), access="secure", secret_key=SETTINGS.secret_key)
    server.start()
    yield server
    server.check_clean_end()


@asynccontextmanager
async def signed_in(server: ServerProcess, user_id: str, role: str = "user") -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token(user_id, role)}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=DEADLINE) as client:
        yield client


@pytest.mark.parametrize("role", ["admin", "employee"])
async def test_staff_may_do_everything(secure: ServerProcess, role: str) -> None:
    async with signed_in(secure, "vet", role) as rest:
        practice = Practice(rest)
        visit = await practice.reservation()
        await practice.changed("reservations", visit, status="cancelled")
        await rest.delete(practice.path("reservations", visit))
        (line,) = (await rest.get("/api/activity-logs?limit=1")).json()["data"]
        assert (line["user_id"], line["action"]) == ("vet", "deleted")
        for topic in (*KINDS, "user/123"):
            async with old_client(secure.url, topic, f"?token={token('vet', role)}"):
                pass


async def test_an_owner_sees_what_is_theirs_and_changes_nothing(secure: ServerProcess) -> None:
    async with signed_in(secure, "vet", "employee") as staff:
        practice = Practice(staff)
        theirs = await practice.reservation(pet_id=(await practice.pet(user_id="ana"))["pet_id"])
        invoice = await practice.invoice(reservation_id=theirs["reservation_id"])
        payment = await practice.payment(invoice_id=invoice["invoice_id"])
        entry = await practice.medical_entry(pet_id=theirs["pet_id"])
        others = {kind: await practice.one_of(kind) for kind in KINDS if kind != "activity-logs"}
    own = {"pets": theirs, "reservations": theirs, "invoices": invoice, "payments": payment, "medical-history": entry}
    async with signed_in(secure, "ana") as ana:
        for kind, record in own.items():
            (found,) = (await ana.get(f"/api/{kind}")).json()["data"]
            assert found[KINDS[kind]] == record[KINDS[kind]]
            assert (await ana.get(f"/api/{kind}/{record[KINDS[kind]]}")).status_code == 200
            assert_refused(await ana.get(f"/api/{kind}/{others[kind][KINDS[kind]]}"), 404)
            assert (await ana.get(f"/api/{kind}?of_user=123")).json()["data"] == []
        for kind in ("services", "employees"):
            assert (await ana.get(f"/api/{kind}")).json()["data"]
        for path in ("/api/activity-logs", "/api/activity-logs/1"):
            assert_refused(await ana.get(path), 403, "forbidden")
        for kind, record in others.items():
            path = f"/api/{kind}/{record[KINDS[kind]]}"
            assert_refused(await ana.put(path, json={}), 403, "forbidden")
            assert_refused(await ana.delete(path), 403, "forbidden")
        assert_refused(await ana.post("/api/pets", json=LUNA), 403, "forbidden")


async def test_an_owner_follows_their_own_notices_alone(secure: ServerProcess) -> None:
    async with old_client(secure.url, "user/eva", f"?token={token('eva')}") as eva:
        async with signed_in(secure, "vet", "employee") as staff:
            await Practice(staff).pet(user_id="eva")
        assert (await eva.next())["notification_type"] == "pet_created"
    for topic in (
        "user/ana",
        "pets",
        "reservations",
        "invoices",
        "payments",
        "medical-history",
        "activity-logs",
        "employees",
    ):
        async with connect(f"{secure.url.replace('http', 'ws', 1)}/ws/{topic}?token={token('eva')}") as socket:
            assert '"forbidden"' in str(await socket.recv())
            await socket.wait_closed()
            assert socket.close_code == 4403
    async with old_client(secure.url, "services", f"?token={token('eva')}"):
        pass


async def test_a_stranger_gets_nothing(secure: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=secure.url) as stranger:
        for kind in KINDS:
            assert_refused(await stranger.get(f"/api/{kind}"), 401, "unauthorized")
            assert_refused(await stranger.get(f"/api/{kind}/1"), 401)
            assert_refused(await stranger.get(f"/sse/{kind}"), 401)
        assert_refused(await stranger.post("/api/pets", json=LUNA), 401)
