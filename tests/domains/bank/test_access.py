"""In secure mode a holder has their own account and nothing else; the administration has all of them."""

from collections.abc import Callable
from datetime import timedelta

import httpx

from quart_app.config import Settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.domains.bank.accounts import assert_refused
from tests.domains.chat.people import DEADLINE, Person
from tests.running import ServerProcess

SETTINGS = Settings(access="secure", secret_key="x" * 40)
OWN, OTHER = "1350509525", "0912345675"


def token(user_id: str, role: str) -> str:
    return issue_token(SETTINGS.front, Identity(user_id, user_id, role), timedelta(minutes=5))


async def test_holders_and_administration(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(access="secure", secret_key=SETTINGS.secret_key)

    def client(bearer: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {bearer}"}
        return httpx.AsyncClient(base_url=server.url, headers=headers, timeout=DEADLINE)

    async with client(token("boss", "admin")) as boss, client(token(OWN, "user")) as holder:
        for cedula in (OWN, OTHER):
            body = {"cedula": cedula, "nombre": "Alguien", "saldo_inicial": 10}
            assert (await boss.post("/api/cuentas", json=body)).status_code == 201
        await _holder_has_the_own(holder)
        await _holder_has_nothing_else(holder)
        assert len((await boss.get("/api/cuentas")).json()["data"]) == 2
        assert (await boss.post("/api/deposito", json={"cedula": OWN, "monto": 7})).status_code == 200
        assert (await boss.post("/api/retiro", json={"cedula": OTHER, "monto": 1})).status_code == 200
        for page in ("/bank", "/bank/admin", f"/bank/{OTHER}"):
            assert (await boss.get(page, headers={"Accept": "text/html"})).status_code == 200
    async with httpx.AsyncClient(base_url=server.url) as stranger:
        for path in ("/api/cuentas", f"/api/cuentas/{OWN}", "/api/transacciones", "/api/stats", "/poll/balances"):
            assert_refused(await stranger.get(path), 401, "unauthorized")
        assert_refused(await stranger.post("/api/deposito", json={"cedula": OWN, "monto": 1}), 401)
    async with Person(server.url, "/balances", token=token(OWN, "user")) as curious:
        assert (await curious.hear("error"))["data"]["code"] == "forbidden"
    async with Person(server.url, f"/accounts/{OWN}", token=token(OWN, "user")) as watcher:
        assert (await watcher.hear("connected"))["data"]["balance"] == 15.0


async def _holder_has_the_own(holder: httpx.AsyncClient) -> None:
    withdrawn = await holder.post("/api/retiro", json={"cedula": OWN, "monto": 2})
    assert withdrawn.json()["data"]["nuevo_saldo"] == 8.0
    assert (await holder.get(f"/api/cuentas/{OWN}/transacciones")).status_code == 200
    page = await holder.get(f"/bank/{OWN}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert 'class="button plain back"' not in page.text
    assert (await holder.get("/api/stats")).status_code == 200


async def _holder_has_nothing_else(holder: httpx.AsyncClient) -> None:
    unknown = "7777777777"
    for path in (f"/api/cuentas/{OTHER}", f"/api/cuentas/{unknown}", f"/api/cuentas/{OTHER}/transacciones"):
        assert_refused(await holder.get(path), 403, "forbidden")
    for path in ("/api/cuentas", "/api/transacciones", "/poll/balances", f"/poll/accounts/{OTHER}"):
        assert_refused(await holder.get(path), 403, "forbidden")
    for command in ("deposito", "retiro"):
        assert_refused(await holder.post(f"/api/{command}", json={"cedula": OTHER, "monto": 1}), 403, "forbidden")
    assert_refused(await holder.post("/api/cuentas", json={"cedula": unknown, "nombre": "Ana"}), 403, "forbidden")
    assert_refused(await holder.post("/api/deposito", json={"cedula": OWN, "monto": 1}), 403, "forbidden")
    for page in ("/bank/admin", f"/bank/{OTHER}"):
        assert (await holder.get(page, headers={"Accept": "text/html"})).status_code == 403
