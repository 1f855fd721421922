"""The bank over REST: what is done, what is refused and why, what a repeated command gets."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.domains.bank.accounts import Account, assert_refused, new_cedula, open_account

JSON = {"Content-Type": "application/json"}
LARGE = "9" * 5000


async def test_an_account_is_opened_and_told(rest: httpx.AsyncClient) -> None:
    body = {"cedula": new_cedula(), "nombre": "  María   Cedeño ", "saldo_inicial": 5250}
    opened = await rest.post("/api/cuentas", json=body)
    expected = {"cedula": body["cedula"], "nombre": "María Cedeño", "balance": 5250.0}
    assert (opened.status_code, opened.json()) == (201, {"success": True, "data": expected})
    assert (await rest.get(f"/api/cuentas/{body['cedula']}")).json()["data"] == expected
    [movement] = await Account(rest, str(body["cedula"])).movements()
    assert (movement["tipo"], movement["monto"], movement["saldo"]) == ("apertura", 5250.0, 5250.0)


async def test_an_account_may_be_opened_empty(rest: httpx.AsyncClient) -> None:
    cedula = new_cedula()
    assert (await rest.post("/api/cuentas", json={"cedula": cedula, "nombre": "Ana"})).status_code == 201
    assert await Account(rest, cedula).balance() == 0.0


async def test_a_cedula_has_one_account(rest: httpx.AsyncClient, account: Account) -> None:
    again = await rest.post("/api/cuentas", json={"cedula": account.cedula, "nombre": "Otra"})
    assert_refused(again, 409, "cuenta_existente", "cedula")
    assert await account.balance() == 100.0


async def test_money_goes_in_and_out_to_the_cent(account: Account) -> None:
    deposited = await account.deposit(0.1)
    assert deposited.status_code == 200
    body = deposited.json()
    assert (body["success"], body["data"]["cedula"], body["data"]["nuevo_saldo"]) == (True, account.cedula, 100.1)
    assert body["message"]
    withdrawn = (await account.withdraw("0.20")).json()
    assert withdrawn["data"]["nuevo_saldo"] == 99.9
    assert withdrawn["data"]["transaccion_id"] > body["data"]["transaccion_id"]
    movements = await account.movements()
    assert [(one["tipo"], one["monto"], one["saldo"]) for one in movements] == [
        ("retiro", 0.2, 99.9),
        ("deposito", 0.1, 100.1),
        ("apertura", 100.0, 100.0),
    ]
    assert movements[0]["transaccion_id"] == withdrawn["data"]["transaccion_id"]
    assert all(movement["cedula"] == account.cedula for movement in movements)


async def test_nobody_takes_more_than_there_is(account: Account) -> None:
    assert_refused(await account.withdraw("100.01"), 409, "fondos_insuficientes", "monto")
    assert (await account.withdraw(100)).json()["data"]["nuevo_saldo"] == 0.0
    assert_refused(await account.withdraw("0.01"), 409, "fondos_insuficientes", "monto")
    assert len(await account.movements()) == 2


async def test_an_account_that_is_full_takes_no_more(rest: httpx.AsyncClient) -> None:
    account = await open_account(rest, 1_000_000_000)
    answers = await asyncio.gather(*(account.deposit(1_000_000_000) for _ in range(100)))
    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert_refused(next(answer for answer in answers if answer.status_code == 409), 409, "saldo_maximo", "monto")
    assert await account.balance() == 99_000_000_000.0
    assert (await account.deposit("999999999.99")).json()["data"]["nuevo_saldo"] == 99_999_999_999.99


@pytest.mark.parametrize("command", ["deposito", "retiro"])
@pytest.mark.parametrize(
    "monto",
    ["0", "-5", "0.00", "0.001", "100.0000000000000001", "1e99999999999999999999", "1000000000.01", "true", "null",
     '"abc"', '"NaN"', '"1e1"', '"-1"', '""', '"1,50"', "[1]", "{}"],
)  # fmt: skip
async def test_a_wrong_amount_is_refused_by_its_field(account: Account, command: str, monto: str) -> None:
    body = f'{{"cedula": "{account.cedula}", "monto": {monto}}}'
    assert_refused(await account.rest.post(f"/api/{command}", content=body, headers=JSON), 400, "bad_request", "monto")
    assert await account.balance() == 100.0


@pytest.mark.parametrize("command", ["deposito", "retiro"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"monto": 1}, "cedula"),
        ({"cedula": "1350509525"}, "monto"),
        ({"cedula": 1350509525, "monto": 1}, "cedula"),
        ({"cedula": "1234", "monto": 1}, "cedula"),
        ({"cedula": "135050952-5", "monto": 1}, "cedula"),
        ({"cedula": "1" * 21, "monto": 1}, "cedula"),
        ({"cedula": None, "monto": 1}, "cedula"),
        ({"cedula": "1350509525", "monto": 1, "moneda": "EUR"}, "moneda"),
        ([], None),
        ("x", None),
    ],
)
async def test_a_wrong_command_is_refused_by_its_field(
    rest: httpx.AsyncClient, command: str, body: Any, field: str | None
) -> None:
    assert_refused(await rest.post(f"/api/{command}", json=body), 400, "bad_request", field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"nombre": "Ana"}, "cedula"),
        ({"cedula": "1234", "nombre": "Ana"}, "cedula"),
        ({"cedula": "1350509525\n", "nombre": "Ana"}, "cedula"),
        ({"cedula": "7777777"}, "nombre"),
        ({"cedula": "7777777", "nombre": " "}, "nombre"),
        ({"cedula": "7777777", "nombre": "x" * 101}, "nombre"),
        ({"cedula": "7777777", "nombre": "a\0b"}, "nombre"),
        ({"cedula": "7777777", "nombre": 1.5}, "nombre"),
        ({"cedula": "7777777", "nombre": "Ana", "saldo_inicial": -1}, "saldo_inicial"),
        ({"cedula": "7777777", "nombre": "Ana", "saldo_inicial": "mucho"}, "saldo_inicial"),
        ({"cedula": "7777777", "nombre": "Ana", "saldo_inicial": None}, "saldo_inicial"),
        ({"cedula": "7777777", "nombre": "Ana", "saldo_inicial": 1.001}, "saldo_inicial"),
        ({"cedula": "7777777", "nombre": "Ana", "saldo": 1}, "saldo"),
        ([], None),
    ],
)
async def test_a_wrong_account_is_refused_by_its_field(rest: httpx.AsyncClient, body: Any, field: str | None) -> None:
    assert_refused(await rest.post("/api/cuentas", json=body), 400, "bad_request", field)
    assert (await rest.get("/api/cuentas/7777777")).status_code == 404


@pytest.mark.parametrize("path", ["/api/cuentas", "/api/deposito", "/api/retiro"])
async def test_what_is_no_json_is_refused(rest: httpx.AsyncClient, path: str) -> None:
    for content in (b"{", b"\xff", b"[" * 100_000, f'{{"monto": {LARGE}}}'.encode()):
        assert_refused(await rest.post(path, content=content, headers=JSON), 400, "invalid_json")
    assert_refused(await rest.post(path, content="{}", headers={"Content-Type": "text/plain"}), 415)
    assert_refused(await rest.post(path, content=b'"' + b"x" * 300_000 + b'"', headers=JSON), 413)


@pytest.mark.parametrize("cedula", ["99999", "0", "-1", "abc", "1.5", "9" * 20, LARGE, "%00", "١٣٥٠٥", "1350509525%0A"])
async def test_an_unknown_account_is_not_found(rest: httpx.AsyncClient, cedula: str) -> None:
    assert_refused(await rest.get(f"/api/cuentas/{cedula}"), 404, "cuenta_no_encontrada")
    assert_refused(await rest.get(f"/api/cuentas/{cedula}/transacciones"), 404, "cuenta_no_encontrada")
    assert (await rest.get(f"/bank/{cedula}", headers={"Accept": "text/html"})).status_code == 404


async def test_an_unknown_account_moves_nothing(rest: httpx.AsyncClient) -> None:
    for command in ("deposito", "retiro"):
        answer = await rest.post(f"/api/{command}", json={"cedula": "99999", "monto": 1})
        assert_refused(answer, 404, "cuenta_no_encontrada")


async def test_movements_come_in_pages(account: Account) -> None:
    for monto in range(1, 8):
        assert (await account.deposit(monto)).status_code == 200
    first = await account.movements(limit=3)
    assert [movement["monto"] for movement in first] == [7.0, 6.0, 5.0]
    second = await account.movements(limit=3, before=first[-1]["transaccion_id"])
    assert [movement["monto"] for movement in second] == [4.0, 3.0, 2.0]
    assert [one["monto"] for one in await account.movements(limit=9, before=second[-1]["transaccion_id"])] == [
        1.0,
        100.0,
    ]


async def test_the_movements_of_the_bank_are_those_of_all_accounts(rest: httpx.AsyncClient, account: Account) -> None:
    other = await open_account(rest, 7, "Luis")
    await account.deposit(3)
    answer = (await rest.get("/api/transacciones", params={"limit": 2})).json()
    assert [(one["cedula"], one["nombre"], one["monto"]) for one in answer["data"]] == [
        (account.cedula, "Ana Vera", 3.0),
        (other.cedula, "Luis", 7.0),
    ]
    assert answer["cursor"]


async def test_accounts_come_in_pages(rest: httpx.AsyncClient) -> None:
    for _ in range(3):
        await open_account(rest)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await rest.get("/api/cuentas", params={"limit": 2, "after": after})).json()
        seen += [one["cedula"] for one in page["data"]]
        after = page["after"]
    assert len(seen) >= 3
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=", "before=0", "before=x", f"before={LARGE}"]
)
async def test_a_wrong_page_is_refused_by_its_field(account: Account, query: str) -> None:
    field = query.partition("=")[0]
    assert_refused(await account.rest.get(f"{account.path}/transacciones?{query}"), 400, "bad_request", field)
    assert_refused(await account.rest.get(f"/api/transacciones?{query}"), 400, "bad_request", field)
    if field == "limit":
        assert_refused(await account.rest.get(f"/api/cuentas?{query}"), 400, "bad_request", field)


@pytest.mark.parametrize("after", ["x", "1" * 21, "-1", "%00"])
async def test_a_wrong_beginning_of_a_page_is_refused(rest: httpx.AsyncClient, after: str) -> None:
    assert_refused(await rest.get(f"/api/cuentas?after={after}"), 400, "bad_request", "after")


async def test_the_same_key_again_gets_the_first_answer(account: Account) -> None:
    first = await account.withdraw(30, **{"Idempotency-Key": f"w-{account.cedula}"})
    await account.deposit(500)
    again = await account.withdraw(30, **{"Idempotency-Key": f"w-{account.cedula}"})
    assert again.json() == first.json()
    assert await account.balance() == 570.0
    deposits = [await account.deposit(1, **{"Idempotency-Key": f"d-{account.cedula}"}) for _ in range(2)]
    assert deposits[0].json() == deposits[1].json()
    assert await account.balance() == 571.0


async def test_many_copies_at_once_move_money_once(account: Account) -> None:
    key = {"Idempotency-Key": f"copies-{account.cedula}"}
    answers = await asyncio.gather(*(account.withdraw(90, **key) for _ in range(20)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].json()["data"]["nuevo_saldo"] == 10.0
    assert await account.balance() == 10.0


async def test_a_refused_withdrawal_does_not_use_its_key_up(account: Account) -> None:
    key = {"Idempotency-Key": f"late-{account.cedula}"}
    assert_refused(await account.withdraw(150, **key), 409, "fondos_insuficientes")
    await account.deposit(50)
    assert (await account.withdraw(150, **key)).json()["data"]["nuevo_saldo"] == 0.0


async def test_an_account_is_opened_once_per_key(rest: httpx.AsyncClient) -> None:
    body = {"cedula": new_cedula(), "nombre": "Ana", "saldo_inicial": "10.50"}
    headers = {"Idempotency-Key": f"open-{body['cedula']}"}
    first, again = [await rest.post("/api/cuentas", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


@pytest.mark.parametrize("key", ["", "x" * 129])
async def test_a_wrong_key_is_refused(account: Account, key: str) -> None:
    assert_refused(await account.deposit(1, **{"Idempotency-Key": key}), 400, "invalid_key")
