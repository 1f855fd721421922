"""Accounts of a test's own, over plain HTTP; nothing of En Vivo's own clients is used here."""

import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from tests.domains.chat.people import Person

Json = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """One account, and how to do things with it."""

    rest: httpx.AsyncClient
    cedula: str

    @property
    def path(self) -> str:
        return f"/api/cuentas/{self.cedula}"

    async def deposit(self, monto: Any, **headers: str) -> httpx.Response:
        return await self._move("deposito", monto, headers)

    async def withdraw(self, monto: Any, **headers: str) -> httpx.Response:
        return await self._move("retiro", monto, headers)

    async def _move(self, command: str, monto: Any, headers: dict[str, str]) -> httpx.Response:
        body = {"cedula": self.cedula, "monto": monto}
        return await self.rest.post(f"/api/{command}", json=body, headers=headers)

    async def balance(self) -> float:
        answer = (await self.rest.get(self.path)).json()
        balance: float = answer["data"]["balance"]
        return balance

    async def movements(self, **query: int) -> list[Json]:
        """Newest first."""
        answer = await self.rest.get(f"{self.path}/transacciones", params=query)
        assert answer.status_code == 200, answer.text
        data: list[Json] = answer.json()["data"]
        return data

    async def all_cents(self) -> list[int]:
        """What every movement added, in cents, newest first, page by page."""
        cents: list[int] = []
        query: dict[str, int] = {}
        while page := await self.movements(limit=200, **query):
            cents += [signed_cents(movement) for movement in page]
            query = {"before": page[-1]["transaccion_id"]}
        return cents

    def watcher(self, **query: str) -> Person:
        """`async with` it; its first message is the welcome."""
        url = str(self.rest.base_url).rstrip("/")
        return Person(url, f"/accounts/{self.cedula}", **query)


def signed_cents(movement: Json) -> int:
    """What a movement added to the balance, in cents."""
    cents: int = round(movement["monto"] * 100)
    return -cents if movement["tipo"] == "retiro" else cents


def new_cedula() -> str:
    return f"{secrets.randbelow(10**12):012}"


async def open_account(rest: httpx.AsyncClient, saldo: Any = 0, nombre: str = "Ana Vera") -> Account:
    body = {"cedula": new_cedula(), "nombre": nombre, "saldo_inicial": saldo}
    answer = await rest.post("/api/cuentas", json=body)
    assert answer.status_code == 201, answer.text
    return Account(rest, body["cedula"])


def assert_refused(answer: httpx.Response, status: int, code: str | None = None, field: str | None = None) -> None:
    body = answer.json()
    assert answer.status_code == status, body
    assert body["success"] is False
    assert body["error"]["message"]
    assert code is None or body["error"]["code"] == code
    assert field is None or field in body["error"]["fields"]
