"""A role may do what the guide says it may, and nothing else; in open mode everybody may do everything, as ever."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from quart_app.realtime import TopicRights
from tests.domains.chat.people import Person
from tests.running import ServerProcess
from tests.secure import SECURE, bearer, token

ROLES = ("user", "device", "operator", "employee", "teller", "admin", "Admin", "teacher")
CEDULA, OTHER = "1350509525", "0912345675"
READING = {"reservoir_id": "MAZAR", "temperature": 99.0, "ph": 7.0, "conductivity": 300.0, "water_level": 50.0}
MONEY = {"cedula": OTHER, "monto": 1}
EMPLOYEE = {"name": "Dra. Andrade", "role": "Veterinaria", "email": "v@example.org", "phone": "099 123"}
MAY: dict[str, set[str]] = {
    "POST /api/sensors": {"device", "operator"},
    "POST /api/alerts/dismiss": {"operator"},
    "POST /alerts/dismiss": {"operator"},
    "POST /api/productos": {"employee"},
    "PUT /api/productos/1": {"employee"},
    "DELETE /api/productos/1": {"employee"},
    "POST /api/deposito": {"teller"},
    "POST /api/retiro": {"teller"},
    "GET /api/cuentas": {"teller"},
    "GET /api/transacciones": {"teller"},
    "GET /poll/balances?wait=0": {"teller"},
    "POST /api/employees": {"employee"},
    "GET /poll/employees?wait=0": {"employee"},
    "GET /poll/pets?wait=0": {"employee"},
    "GET /api/activity-logs": {"employee"},
    "GET /metrics": set(),
    "GET /api/connections": set(),
    # Whoever is let in
    "GET /api/sensors": set(ROLES),
    "GET /api/alerts": set(ROLES),
    "GET /api/productos": set(ROLES),
    "GET /api/employees": set(ROLES),
    "GET /poll/services?wait=0": set(ROLES),
    "POST /api/rooms/1/messages": set(ROLES),
}
BODIES: dict[str, Any] = {
    "/api/sensors": READING,
    "/api/alerts/dismiss": {"alert_id": "alerta_999"},
    "/alerts/dismiss": {"alert_id": "alerta_999"},
    "/api/productos": {"nombre": "Café", "precio": 1},
    "/api/productos/1": {"stock": 3},
    "/api/deposito": MONEY,
    "/api/retiro": MONEY,
    "/api/employees": EMPLOYEE,
    "/api/rooms/1/messages": {"content": "hola"},
}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), **SECURE).start()
    with client(server, "admin") as boss:
        boss.post("/api/cuentas", json={"cedula": OTHER, "nombre": "Rosa", "saldo_inicial": 100}).raise_for_status()
        boss.post("/api/employees", json=EMPLOYEE).raise_for_status()
    yield server
    server.check_clean_end()


def client(server: ServerProcess, role: str, user_id: str = "7") -> httpx.Client:
    return httpx.Client(base_url=server.url, headers=bearer(token(user_id, role)), timeout=20)


@pytest.mark.parametrize("role", ROLES)
def test_what_each_role_may(secure: ServerProcess, role: str) -> None:
    allowed = set()
    with client(secure, role) as rest:
        for operation in MAY:
            method, path = operation.split()
            answer = rest.request(method, path, json=BODIES.get(path) if method != "GET" else None)
            if answer.status_code != 403:
                assert answer.status_code in {200, 201, 404}, answer.text
                allowed.add(operation)
            else:
                assert answer.json()["error"]["code"] == "forbidden"
    assert allowed == {operation for operation, roles in MAY.items() if role in roles or role == "admin"}


def test_a_refused_write_has_changed_nothing(secure: ServerProcess) -> None:
    with client(secure, "admin") as boss, client(secure, "user") as ana:
        before = [boss.get(path).json()["data"] for path in ("/api/sensors", "/api/productos", f"/api/cuentas/{OTHER}")]
        for path in ("/api/sensors", "/api/productos", "/api/deposito"):
            assert ana.post(path, json=BODIES[path], headers={"Idempotency-Key": "k"}).status_code == 403
        after = [boss.get(path).json()["data"] for path in ("/api/sensors", "/api/productos", f"/api/cuentas/{OTHER}")]
    assert after == before


def test_a_token_for_some_topics_is_no_token_for_other_rooms(secure: ServerProcess) -> None:
    mine = token("8", name="Eva", rights=TopicRights(("rooms/1", "log/a"), ("log/a",)))
    room = "/api/rooms/{}/messages"
    with httpx.Client(base_url=secure.url, headers=bearer(mine)) as eva:
        told = {path: eva.get(path).status_code for path in (room.format(1), "/api/rooms/1/presence", "/chat/1")}
        assert set(told.values()) == {200}
        told = {path: eva.get(path).status_code for path in (room.format(2), "/api/rooms/2/presence", "/chat/2")}
        assert set(told.values()) == {403}
        assert [eva.post(room.format(id), json={"content": "hola"}).status_code for id in (1, 2)] == [403, 403]
    with client(secure, "user") as ana:
        assert not any(message["username"] == "Eva" for message in ana.get(room.format(1)).json()["data"])


def test_money_does_not_come_from_nothing(secure: ServerProcess) -> None:
    account = {"cedula": CEDULA, "nombre": "Ana"}
    with client(secure, "user", CEDULA) as ana, client(secure, "teller") as teller:
        for rich in (1_000_000_000, 0.01, "0.01"):
            refused = ana.post("/api/cuentas", json={**account, "saldo_inicial": rich})
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
        assert ana.get(f"/api/cuentas/{CEDULA}").status_code == 404
        assert ana.post("/api/cuentas", json={**account, "saldo_inicial": 0}).status_code == 201
        assert ana.post("/api/deposito", json={"cedula": CEDULA, "monto": 5}).status_code == 403
        assert teller.post("/api/deposito", json={"cedula": CEDULA, "monto": 5}).status_code == 200
        assert ana.post("/api/retiro", json={"cedula": CEDULA, "monto": 2}).json()["data"]["nuevo_saldo"] == 3
        page = {"Accept": "text/html"}
        led = ana.get("/bank", headers=page)
        assert (led.status_code, led.headers["Location"]) == (303, f"/bank/{CEDULA}")
        assert 'id="deposit"' not in ana.get(f"/bank/{CEDULA}", headers=page).text
        assert 'id="deposit"' in teller.get(f"/bank/{CEDULA}", headers=page).text
        assert teller.get("/bank", headers=page).status_code == 200


async def test_how_to_reach_the_staff_is_told_to_the_staff(secure: ServerProcess) -> None:
    with client(secure, "user") as ana, client(secure, "employee") as vet:
        for path in ("/api/employees", "/api/employees/1"):
            shown = ana.get(path)
            assert shown.status_code == 200
            assert "Dra. Andrade" in shown.text
            assert "v@example.org" not in shown.text
            assert "099 123" not in shown.text
            assert "v@example.org" in vet.get(path).text
        # The topic and the log carry whole records.
        assert ana.get("/api/log", params={"topic": "employees"}).status_code == 403
        assert "v@example.org" in vet.get("/api/log", params={"topic": "employees"}).text
    async with Person(secure.url, "/log/a", token=token()) as curious:
        await curious.say("subscribe", topic="employees")
        assert (await curious.hear("error"))["data"]["code"] == "forbidden"


def test_strangers_hear_of_the_health_that_all_is_well_or_not(secure: ServerProcess) -> None:
    for headers in ({}, bearer("nonsense"), bearer(token())):
        told = httpx.get(f"{secure.url}/health", headers=headers)
        assert told.status_code == 200
        assert told.json()["data"] == {"status": "ok", "checks": {"database": "ok", "writer": "ok"}}
    with client(secure, "admin") as boss:
        assert boss.get("/health").json()["data"]["version"]


@pytest.mark.sqlite
def test_what_is_wrong_with_the_database_is_told_to_the_log_alone(make_server: Any) -> None:
    server = make_server(**SECURE)
    server.database.unlink()
    for part in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            server.database.with_name(f"{server.database.name}{part}").unlink()
    with client(server, "admin") as boss:
        refused = boss.post("/api/publish", json={"topic": "log/a", "type": "n"})
        assert refused.status_code == 503
        ill = boss.get("/health")
        told = ill.json()["data"]["checks"]["writer"]
        assert (ill.status_code, "deleted" in told or "gone" in told or "stored" in told) == (503, True)
    stranger = httpx.get(f"{server.url}/health")
    assert stranger.status_code == 503
    assert stranger.json()["data"] == {"status": "failing", "checks": {"database": "ok", "writer": "failing"}}
    assert told.rpartition(": ")[2] in server.log()
