"""The bank on its topics: what a client of the older system hears, on a plain WebSocket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.domains.bank.accounts import Account, assert_refused, new_cedula, open_account
from tests.domains.chat.people import Person
from tests.running import ServerProcess, eventually

Json = dict[str, Any]


@contextlib.asynccontextmanager
async def following(server: ServerProcess, path: str, **query: str | list[str]) -> AsyncIterator[Person]:
    """A client that has had its welcome."""
    async with Person(server.url, path, **query) as client:
        await client.hear("connected")
        yield client


async def test_a_newcomer_is_told_the_account(account: Account) -> None:
    async with account.watcher() as watcher:
        welcome = await watcher.hear("connected")
    assert welcome["data"] == {"cedula": account.cedula, "nombre": "Ana Vera", "balance": 100.0}
    assert {"connection_id", "transport", "heartbeat", "id", "timestamp"} <= welcome.keys()
    assert welcome["topic"] == f"accounts/{account.cedula}"


async def test_each_change_is_heard_once_with_its_balance(server: ServerProcess, account: Account) -> None:
    async with account.watcher() as watcher, following(server, "/balances") as all_balances:
        await watcher.hear("connected")
        deposited = (await account.deposit("50.25")).json()["data"]
        await account.withdraw(200)  # refused: nobody hears of it
        withdrawn = (await account.withdraw(20)).json()["data"]
        for client in (watcher, all_balances):
            first, second = [
                await client.hear("balance_updated", lambda message: message["data"]["cedula"] == account.cedula)
                for _ in range(2)
            ]
            assert first["data"] == {"cedula": account.cedula, "balance": 150.25}
            assert second["data"] == {"cedula": account.cedula, "balance": 130.25}
            assert first["transaccion"]["transaccion_id"] == deposited["transaccion_id"]
            assert second["transaccion"]["transaccion_id"] == withdrawn["transaccion_id"]
            assert (second["transaccion"]["tipo"], second["transaccion"]["monto"]) == ("retiro", 20.0)
            assert first["id"] != second["id"]


async def test_an_opening_is_heard_by_who_follows_all(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    async with following(server, "/balances") as client:
        account = await open_account(rest, "12.50")
        heard = await client.hear("balance_updated", lambda message: message["data"]["cedula"] == account.cedula)
        assert heard["data"]["balance"] == 12.5
        assert heard["transaccion"]["tipo"] == "apertura"


async def test_what_was_missed_follows_a_welcome_of_where_it_begins(account: Account) -> None:
    async with account.watcher() as watcher:
        cursor = (await watcher.hear("connected"))["id"]
    await account.deposit(1)
    await account.deposit(2)
    async with account.watcher(since=cursor) as watcher:
        assert (await watcher.hear("connected"))["data"]["balance"] == 100.0
        balances = [(await watcher.hear("balance_updated"))["data"]["balance"] for _ in range(2)]
    assert balances == [101.0, 103.0]
    async with account.watcher(since="0") as watcher:
        assert (await watcher.hear("connected"))["data"]["balance"] == 0.0
        assert (await watcher.hear("balance_updated"))["data"]["balance"] == 100.0


async def test_an_unknown_account_is_no_topic(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    for cedula in ("99999", "abc", "1/2"):
        async with Person(server.url, f"/accounts/{cedula}") as stranger:
            error = await stranger.hear("error")
            assert error["data"]["code"] == "cuenta_no_encontrada"
            with pytest.raises(ConnectionClosed) as closed:
                await stranger.hear("connected")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4404
        for path in ("sse", "poll"):
            assert_refused(await rest.get(f"/{path}/accounts/{cedula}"), 404, "cuenta_no_encontrada")


async def test_a_client_keeps_itself_alive_in_its_own_dialect_and_may_say_nothing_else(account: Account) -> None:
    async with account.watcher() as watcher:
        await watcher.hear("connected")
        await watcher.socket.send('{"action": "ping"}')
        await watcher.hear("pong")
        await watcher.say("deposito", monto=1)
        assert (await watcher.hear("error"))["data"]["code"] == "unknown_type"
    assert await account.balance() == 100.0


async def test_the_counters_come_by_themselves(server: ServerProcess, account: Account) -> None:
    async with following(server, "/stats") as client, account.watcher() as watcher, account.watcher() as second:
        await watcher.hear("connected")
        await second.hear("connected")

        def is_watched(message: Json) -> bool:
            return bool(message["data"]["estadisticas"]["clientes_activos"] == 1)

        counted = await client.hear("stats_updated", is_watched)
        assert counted["data"]["success"] is True
        assert counted["data"]["estadisticas"].keys() == {
            "clientes_activos", "operaciones_simultaneas", "conexiones_activas",
        }  # fmt: skip
        assert counted["data"]["estadisticas"]["conexiones_activas"] >= 3
        await asyncio.gather(*(account.deposit(1) for _ in range(30)))
        await client.hear("stats_updated", lambda told: told["data"]["estadisticas"]["operaciones_simultaneas"] > 1)
        await client.hear("stats_updated", lambda told: told["data"]["estadisticas"]["operaciones_simultaneas"] == 0)
        await watcher.leave()
        await second.leave()
        await client.hear("stats_updated", lambda told: told["data"]["estadisticas"]["clientes_activos"] == 0)


async def test_a_poller_watches_for_as_long_as_its_lease(rest: httpx.AsyncClient, account: Account) -> None:
    async def watched() -> int:
        answer = (await rest.get("/api/stats")).json()
        assert answer["success"] is True
        assert answer["data"] == answer["estadisticas"]
        watched: int = answer["estadisticas"]["clientes_activos"]
        return watched

    await eventually(lambda: _is(watched, 0))
    assert (await rest.get(f"/poll/accounts/{account.cedula}")).status_code == 200
    assert await watched() == 1
    await eventually(lambda: _is(watched, 0), deadline=10)


async def _is(count: Callable[[], Any], expected: int) -> bool:
    return bool(await count() == expected)


async def test_snapshots_carry_the_cursor_to_go_on_from(server: ServerProcess, account: Account) -> None:
    snapshots = [account.path, f"{account.path}/transacciones", "/api/transacciones", "/api/cuentas"]
    cursors = [(await account.rest.get(path)).json()["cursor"] for path in snapshots]
    await account.deposit(5)
    for cursor in cursors:
        async with following(server, "/balances", since=cursor) as client:
            heard = await client.hear("balance_updated", lambda message: message["data"]["cedula"] == account.cedula)
            assert heard["data"]["balance"] == 105.0


async def test_one_connection_may_follow_account_and_counters(server: ServerProcess, account: Account) -> None:
    topic = f"accounts/{account.cedula}"
    async with Person(server.url, "", topic=[topic, "stats"]) as client:
        welcome = await client.hear("connected", lambda message: message.get("topic") == topic)
        assert welcome["data"]["balance"] == 100.0
        await client.hear("stats_updated")
        await account.deposit(1)
        assert (await client.hear("balance_updated"))["topic"] == topic


async def test_an_account_that_opens_while_asked_for_is_followed_from_its_opening(rest: httpx.AsyncClient) -> None:
    account = Account(rest, new_cedula())
    async with account.watcher() as early:
        await early.hear("error")
    await rest.post("/api/cuentas", json={"cedula": account.cedula, "nombre": "Ana", "saldo_inicial": 5})
    async with account.watcher() as watcher:
        assert (await watcher.hear("connected"))["data"]["balance"] == 5.0
