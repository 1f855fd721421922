"""A practice for the tests: its records over REST, and its topics on a plain WebSocket as the old clients had them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

Json = dict[str, Any]
DEADLINE = 10.0  # s for anything that is awaited

KINDS = {
    "pets": "pet_id",
    "services": "service_id",
    "employees": "employee_id",
    "reservations": "reservation_id",
    "invoices": "invoice_id",
    "payments": "payment_id",
    "medical-history": "medical_history_id",
    "activity-logs": "activity_log_id",
}
"""All kinds of record, with the name of their id."""

LUNA = {"name": "Luna", "species": "Perro", "breed": "Golden Retriever", "age": 3, "user_id": 123}
STARTS = "2026-03-02T14:30:00Z"


def assert_refused(response: httpx.Response, status: int, code: str | None = None, field: str | None = None) -> None:
    body = response.json()
    assert response.status_code == status, body
    assert body["success"] is False
    assert body["error"]["message"]
    assert code is None or body["error"]["code"] == code, body
    assert field is None or field in body["error"]["fields"], body


class Practice:
    """Makes records with what a test does not care about filled in; every one has its own pet and employee."""

    def __init__(self, rest: httpx.AsyncClient) -> None:
        self.rest = rest

    async def made(self, kind: str, body: Json) -> Json:
        response = await self.rest.post(f"/api/{kind}", json=body)
        assert response.status_code == 201, response.text
        data: Json = response.json()["data"]
        return data

    async def changed(self, kind: str, record: Json, **fields: Any) -> Json:
        response = await self.rest.put(self.path(kind, record), json=fields)
        assert response.status_code == 200, response.text
        data: Json = response.json()["data"]
        return data

    async def got(self, kind: str, record: Json) -> Json:
        response = await self.rest.get(self.path(kind, record))
        assert response.status_code == 200, response.text
        data: Json = response.json()["data"]
        return data

    def path(self, kind: str, record: Json) -> str:
        return f"/api/{kind}/{record[KINDS[kind]]}"

    async def pet(self, **fields: Any) -> Json:
        return await self.made("pets", LUNA | fields)

    async def service(self, **fields: Any) -> Json:
        return await self.made("services", {"name": "Consulta", "price": 25.5, "duration_minutes": 30, **fields})

    async def employee(self, **fields: Any) -> Json:
        return await self.made("employees", {"name": "Dra. Andrade", "role": "Veterinaria", **fields})

    async def reservation_body(self, **fields: Any) -> Json:
        body = {"starts_at": STARTS, **fields}
        for name, make in (("pet_id", self.pet), ("service_id", self.service), ("employee_id", self.employee)):
            body[name] = body.get(name) or (await make())[name]
        return body

    async def reservation(self, **fields: Any) -> Json:
        return await self.made("reservations", await self.reservation_body(**fields))

    async def invoice(self, **fields: Any) -> Json:
        whose = {} if fields.keys() & {"pet_id", "user_id", "reservation_id"} else {"user_id": 123}
        return await self.made("invoices", {"amount": 30.3} | whose | fields)

    async def payment(self, **fields: Any) -> Json:
        invoice_id = fields.get("invoice_id") or (await self.invoice())["invoice_id"]
        return await self.made("payments", {"amount": 10, "method": "cash", **fields, "invoice_id": invoice_id})

    async def medical_entry(self, **fields: Any) -> Json:
        body = {"diagnosis": "Sano", **fields}
        body["pet_id"] = body.get("pet_id") or (await self.pet())["pet_id"]
        body["employee_id"] = body.get("employee_id") or (await self.employee())["employee_id"]
        return await self.made("medical-history", body)

    async def one_of(self, kind: str) -> Json:
        """A record of any kind that clients make."""
        makers = {
            "pets": self.pet,
            "services": self.service,
            "employees": self.employee,
            "reservations": self.reservation,
            "invoices": self.invoice,
            "payments": self.payment,
            "medical-history": self.medical_entry,
        }
        return await makers[kind]()


class OldClient:
    """What a page of the old clinic did: one socket per channel, JSON in and out."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, message: Any) -> None:
        await self._socket.send(message if isinstance(message, str) else json.dumps(message))

    async def next(self) -> Json:
        async with asyncio.timeout(DEADLINE):
            message: Json = json.loads(await self._socket.recv())
            return message

    async def hear(self, type: str, **data: Any) -> Json:
        """The next message of this type whose `data` has these fields."""
        while True:
            message = await self.next()
            if message["type"] == type and message.get("data", {}) | data == message.get("data", {}):
                return message


@asynccontextmanager
async def old_client(url: str, name: str, query: str = "") -> AsyncIterator[OldClient]:
    """A client on `/ws/<name>` that has had its welcome."""
    address = f"{url.replace('http', 'ws', 1)}/ws/{name}{query}"
    async with connect(address, open_timeout=DEADLINE, max_queue=None) as socket:
        client = OldClient(socket)
        welcome = await client.next()
        assert (welcome["type"], welcome["topic"]) == ("connected", name)
        yield client
