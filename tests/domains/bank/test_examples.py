"""A new database has a few accounts with a history; a restart adds nothing, and --empty leaves them out."""

from collections.abc import Callable

import httpx

from tests.domains.bank.accounts import Account
from tests.running import ServerProcess


async def test_a_new_bank_has_holders_with_a_history(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(empty=0)
    async with httpx.AsyncClient(base_url=server.url) as rest:
        accounts = (await rest.get("/api/cuentas")).json()["data"]
        assert {"cedula": "1350509525", "nombre": "María Fernanda Cedeño", "balance": 5250.0} in accounts
        assert len(accounts) >= 3
        for one in accounts:
            account = Account(rest, one["cedula"])
            assert sum(await account.all_cents()) == round(one["balance"] * 100)
            times = [movement["created_at"] for movement in await account.movements()]
            assert times == sorted(times, reverse=True)
        history = (await rest.get("/api/log", params={"topic": "accounts/1350509525", "limit": 1000})).json()["data"]
        assert history[-1]["data"] == {"cedula": "1350509525", "balance": 5250.0}
        server.stop()
        server.start()
        assert (await rest.get("/api/cuentas")).json()["data"] == accounts


async def test_an_empty_bank_says_so(rest: httpx.AsyncClient) -> None:
    assert (await rest.get("/api/cuentas/1350509525")).status_code == 404
