"""One key for two different requests: the second is refused in words, wherever it comes, and nothing of it is done."""

from typing import Any

import httpx
import pytest

from tests.running import ServerProcess
from tests.transports.drivers import PlainWebsocketStream

READING = {"reservoir_id": "EMBALSE_09", "temperature": 20.0, "ph": 7.0, "conductivity": 300.0, "water_level": 50.0}
PRODUCT = {"nombre": "Café", "precio": 2.5, "stock": 3}
PET = {"name": "Luna", "species": "Perro", "breed": "Criollo", "age": 3, "user_id": 123}
REQUESTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("/api/publish", {"topic": "log/keys", "type": "n", "data": 1}, {"topic": "log/keys", "type": "n", "data": 2}),
    ("/api/publish", {"topic": "live/keys", "type": "n"}, {"topic": "live/other", "type": "n"}),
    ("/api/rooms", {"name": "One"}, {"name": "Another"}),
    ("/api/rooms/1/messages", {"content": "Hola"}, {"content": "Adiós"}),
    ("/api/cuentas", {"cedula": "1710034065", "nombre": "Ana"}, {"cedula": "1710034065", "nombre": "Eva"}),
    ("/api/productos", PRODUCT, {**PRODUCT, "stock": 4}),
    ("/api/sensors", READING, {**READING, "ph": 7.5}),
    ("/api/pets", PET, {**PET, "name": "Sol"}),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    started = ServerProcess(tmp_path_factory.mktemp("server")).start()
    yield started
    started.check_clean_end()


@pytest.mark.parametrize(
    ("path", "first", "other"), REQUESTS, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(REQUESTS)]
)
def test_rest_refuses_it_and_still_knows_the_first_answer(
    server: ServerProcess, path: str, first: dict[str, Any], other: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    def ask(body: dict[str, Any]) -> httpx.Response:
        key = {"Idempotency-Key": request.node.name}
        return httpx.post(f"{server.url}{path}", json=body, headers=key)

    done = ask(first)
    assert done.is_success, done.text
    refused = ask(other)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "key_reused")
    assert "take a new one" in refused.json()["error"]["message"]
    again = ask(dict(reversed(first.items())))
    assert (again.status_code, again.json()) == (done.status_code, done.json())


async def test_a_guest_who_takes_the_key_of_another_is_told(server: ServerProcess) -> None:
    streams = [PlainWebsocketStream(server.url, None, ("rooms/2",), {}) for _ in range(2)]
    for stream in streams:
        await stream.open()
    answers = []
    for stream, content in zip(streams, ("mine", "yours"), strict=True):
        await stream.send_text(f'{{"type":"message","content":"{content}","key":"1"}}')
        answers.append(await stream.find(lambda one: one.get("key") == "1"))
    assert [answer["type"] for answer in answers] == ["message_sent", "error"]
    assert answers[1]["data"]["code"] == "key_reused"
    async with httpx.AsyncClient(base_url=server.url) as rest:
        said = (await rest.get("/api/rooms/2/messages")).json()["data"]
    assert [one["content"] for one in said] == ["mine"]
    for stream in streams:
        await stream.drop()


def test_money_moves_once_for_what_was_asked(server: ServerProcess) -> None:
    account = {"cedula": "0926687856", "nombre": "Rosa", "saldo_inicial": 10}
    httpx.post(f"{server.url}/api/cuentas", json=account).raise_for_status()

    def deposit(amount: float) -> int:
        body, key = {"cedula": account["cedula"], "monto": amount}, {"Idempotency-Key": "d"}
        return httpx.post(f"{server.url}/api/deposito", json=body, headers=key).status_code

    assert [deposit(5), deposit(5.0), deposit(500)] == [200, 200, 422]
    shown = httpx.get(f"{server.url}/api/cuentas/{account['cedula']}").json()["data"]
    assert shown["balance"] == 15


def test_the_receipt_of_one_account_is_not_given_for_another(server: ServerProcess) -> None:
    own, other = "1700000001", "1700000002"
    for cedula in (own, other):
        account = {"cedula": cedula, "nombre": "Rosa", "saldo_inicial": 10}
        httpx.post(f"{server.url}/api/cuentas", json=account).raise_for_status()

    def move(kind: str, cedula: str, amount: float) -> tuple[int, str]:
        body, key = {"cedula": cedula, "monto": amount}, {"Idempotency-Key": "moved"}
        answer = httpx.post(f"{server.url}/api/{kind}", json=body, headers=key)
        return answer.status_code, answer.text

    for kind in ("retiro", "deposito"):
        assert move(kind, own, 1)[0] == 200
        for cedula, amount in ((other, 1), (own, 2), (other, 2)):
            status, told = move(kind, cedula, amount)
            assert (status, own in told) == (422, False)
    balances = [httpx.get(f"{server.url}/api/cuentas/{cedula}").json()["data"]["balance"] for cedula in (own, other)]
    assert balances == [10, 10]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_change_that_is_meant_for_another_version_is_another_change(server: ServerProcess, method: str) -> None:
    made = httpx.post(f"{server.url}/api/productos", json=PRODUCT).json()["data"]
    path, key = f"{server.url}/api/productos/{made['id']}", {"Idempotency-Key": f"meant {method}"}

    def change(version: int) -> int:
        if method == "DELETE":
            return httpx.delete(f"{path}?version={version}", headers=key).status_code
        return httpx.put(path, json={"stock": 9, "version": version}, headers=key).status_code

    assert [change(1), change(1), change(2)] == [200, 200, 422]
