"""Seen afterwards: who came in, who was turned away, who has changed what; and nobody talks their way out of it."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as prometheus

from quart_app.config import SettingsError, load_settings
from quart_app.identity import issue_token
from quart_app.realtime import Refused, limits
from quart_app.realtime.clients.identity import Identity
from quart_app.security_log import Act, SecurityLog, Whence
from tests.running import ServerProcess, eventually, unused_name
from tests.transports.drivers import Refusal, SseStream, WebsocketStream
from tests.transports.socketio.engine_io import Session

Json = dict[str, Any]

SECURE: Json = {"access": "secure", "secret_key": "a key that is long enough for HS256 and no more"}
ADDRESS = "127.0.0.1"
addresses = (f"192.0.2.{number}" for number in count(1))
IMITATION = 'a (admin) on operations opened" } \\ {"event":"admin"'


def token(role: str = "user", user_id: str = "7", name: str = "Ana") -> str:
    return issue_token(load_settings(**SECURE).front, Identity(user_id, name, role), timedelta(hours=1))


def bearer(role: str = "user", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(role, **more)}"}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), **SECURE, trusted_proxies=ADDRESS).start()
    yield server
    server.check_clean_end()


@pytest.fixture
def address() -> str:
    """The address of a test's clients, by the word of a proxy: of one address a minute has few lines."""
    return next(addresses)


@pytest.fixture
async def rest(secure: ServerProcess, address: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Forwarded-For": f"203.0.113.9, {address}"}
    async with httpx.AsyncClient(base_url=secure.url, timeout=15, headers=headers) as client:
        yield client


def lines(server: ServerProcess) -> list[Json]:
    """What the security log has, in its file; each line is JSON of its own."""
    file = server.folder / "envivo-security.log"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


async def seen(server: ServerProcess, **wanted: str) -> Json:
    """Wait for the line that says what is `wanted`."""

    def last() -> Json | None:
        return next((one for one in reversed(lines(server)) if wanted.items() <= one.items()), None)

    found: Json = await eventually(last)
    return found


# Who came in, and who did not


async def test_a_sign_in_a_failed_one_and_a_sign_out(
    secure: ServerProcess, rest: httpx.AsyncClient, address: str
) -> None:
    form = {"token": token(name="Ana María"), "next": "/chat"}
    entered = await rest.post("/session", data=form, headers={"Origin": secure.url})
    assert entered.status_code == 303
    one = await seen(secure, event="sign_in")
    assert one["at"].endswith("Z")
    assert {name: one[name] for name in ("user_id", "username", "role", "address", "door", "result")} == {
        "user_id": "7", "username": "Ana María", "role": "user", "address": address, "door": "front", "result": "done"
    }  # fmt: skip
    failed = await rest.post("/session", data={**form, "token": "nonsense"}, headers={"Origin": secure.url})
    assert failed.status_code == 401
    one = await seen(secure, event="refused", what="POST /session")
    assert (one["result"], one["reason"]) == ("unauthorized", "the token is not valid here")
    assert one["address"] == address
    left = await rest.delete("/session", headers={"Origin": secure.url})
    assert left.status_code == 200, left.text
    one = await seen(secure, event="sign_out")
    assert (one["user_id"], one["username"], one["address"]) == ("7", "Ana María", address)


async def test_a_refusal_by_rest_says_whom_it_met_and_why(secure: ServerProcess, rest: httpx.AsyncClient) -> None:
    foreign = {**bearer(), "Origin": "https://evil.example"}
    assert (await rest.post("/api/rooms", json={"name": "x"}, headers=foreign)).status_code == 403
    one = await seen(secure, event="refused", result="origin_not_allowed")
    assert (one["user_id"], one["what"]) == ("7", "POST /api/rooms")
    assert "https://evil.example" in one["reason"]
    assert (await rest.get("/metrics", headers=bearer("employee"))).status_code == 403
    one = await seen(secure, event="refused", what="GET /metrics", result="forbidden")
    assert (one["user_id"], one["username"], one["role"], one["door"]) == ("7", "Ana", "employee", "front")


async def test_a_refusal_of_a_stream_says_of_which_topic(secure: ServerProcess, address: str) -> None:
    through = {"headers": {"X-Forwarded-For": address}}
    for kind, what in ((WebsocketStream, "WebSocket"), (SseStream, "GET")):
        with pytest.raises(Refusal):
            await kind(secure.url, None, ("accounts/123",), {"token": token(), **through}).open()
        one = await seen(secure, event="refused", what=f"{what} /{'ws' if what == 'WebSocket' else 'sse'}/accounts/123")
        assert (one["user_id"], one["result"], one["address"]) == ("7", "forbidden", address)
    with pytest.raises(Refusal):
        await WebsocketStream(secure.url, None, ("rooms/1",), {"token": "nonsense", **through}).open()
    one = await seen(secure, event="refused", what="WebSocket /ws/rooms/1")
    assert one["user_id"] == ""
    stream = WebsocketStream(secure.url, None, ("rooms/1",), {"token": token(user_id="8"), **through})
    await stream.open()
    assert (await stream.say({"type": "subscribe", "topic": "operations"}))["type"] == "error"
    one = await seen(secure, event="refused", object="operations")
    assert (one["user_id"], one["result"], one["address"], one["door"]) == ("8", "forbidden", address, "front")
    await stream.leave()


async def test_a_refusal_over_socketio(secure: ServerProcess) -> None:
    async with Session(secure.url) as session:
        await session.open()
        await session.post('40{"token":"nonsense"}')
        one = await seen(secure, event="refused", what="Socket.IO")
        assert (one["result"], one["address"]) == ("unauthorized", ADDRESS)


async def test_metrics_count_refusals_by_reason(rest: httpx.AsyncClient) -> None:
    async def counted(code: str) -> float:
        families = prometheus((await rest.get("/metrics", headers=bearer("admin"))).text)
        samples = [sample for family in families for sample in family.samples]
        return sum(one.value for one in samples if one.name == "envivo_refusals_total" and one.labels["code"] == code)

    before = [await counted("unauthorized"), await counted("forbidden")]
    for _ in range(3):
        await rest.get("/api/rooms")
    await rest.get("/api/connections", headers=bearer())
    assert [await counted("unauthorized"), await counted("forbidden")] == [before[0] + 3, before[1] + 1]


# Who has changed what


async def test_every_change_has_its_author(secure: ServerProcess, rest: httpx.AsyncClient, address: str) -> None:
    rest.headers.update(bearer("admin", user_id="1", name="Jefa"))
    cedula = "0912345678"
    await rest.post("/api/cuentas", json={"cedula": cedula, "nombre": "Ana", "saldo_inicial": 10})
    again = {"Idempotency-Key": unused_name()}
    for _ in range(2):
        await rest.post("/api/deposito", json={"cedula": cedula, "monto": 5.5}, headers=again)
    await rest.post("/api/retiro", json={"cedula": cedula, "monto": 1})
    await rest.post("/api/retiro", json={"cedula": cedula, "monto": 1000})  # there is not as much
    product = (await rest.post("/api/productos", json={"nombre": "Café", "precio": 4, "stock": 3})).json()["data"]["id"]
    await rest.put(f"/api/productos/{product}", json={"precio": 4.5, "stock": 1, "nombre": "Cacao"})
    await rest.delete(f"/api/productos/{product}")
    pet = {"name": "Luna", "species": "Perro", "user_id": 123, "owner_name": "María"}
    made = await rest.post("/api/pets", json=pet)
    assert made.status_code == 201, made.text
    luna = made.json()["data"]["pet_id"]
    await rest.put(f"/api/pets/{luna}", json={"name": "Luna Nueva"})
    await rest.delete(f"/api/pets/{luna}")
    reading = {"reservoir_id": "EMBALSE_09", "temperature": 99, "ph": 7, "conductivity": 300, "water_level": 80}
    await rest.post("/api/sensors", json=reading)
    (alert,) = (await rest.get("/api/alerts", params={"open": True, "reservoir_id": "EMBALSE_09"})).json()["data"]
    await rest.post("/api/alerts/dismiss", json={"alert_id": alert["id"]})
    await seen(secure, event="changed", what="dismiss")
    changes = [one for one in lines(secure) if one["event"] == "changed"]
    assert {(one["user_id"], one["username"], one["role"], one["address"], one["result"]) for one in changes} == {
        ("1", "Jefa", "admin", address, "done")
    }
    assert [(one["what"], one["object"], one["detail"].partition(", transaccion")[0]) for one in changes] == [
        ("apertura", f"accounts/{cedula}", "10.00"),
        ("deposito", f"accounts/{cedula}", "5.50"),
        ("retiro", f"accounts/{cedula}", "1.00"),
        ("create", f"products/{product}", "nombre, descripcion, precio 4.00, stock 3"),
        ("update", f"products/{product}", "nombre, precio 4.00 → 4.50, stock 3 → 1"),
        ("delete", f"products/{product}", "stock 1"),
        ("created", f"pets/{luna}", ""),
        ("updated", f"pets/{luna}", "name"),
        ("deleted", f"pets/{luna}", ""),
        ("record", "sensors", "1: EMBALSE_09"),
        ("dismiss", f"alerts/{alert['id']}", ""),
    ]


async def test_an_administrators_act_has_its_author(
    secure: ServerProcess, rest: httpx.AsyncClient, address: str
) -> None:
    stream = SseStream(secure.url, None, ("rooms/1",), {"token": token(user_id="55")})
    await stream.open()
    admin = bearer("admin", user_id="2", name="Otra")
    (one,) = (await rest.get("/api/connections", params={"q": "55"}, headers=admin)).json()["data"]["connections"]
    assert (await rest.delete(f"/api/connections/{one['handle']}", headers=admin)).status_code == 200
    noted = await seen(secure, event="admin", what="disconnect")
    assert (noted["user_id"], noted["username"], noted["address"]) == ("2", "Otra", address)
    assert (noted["object"], noted["detail"]) == (f"connections/{one['handle']}", "of 55")
    assert await stream.end() == 0
    assert (await rest.post("/api/users/55/revoke", headers=admin)).status_code == 200
    noted = await seen(secure, event="admin", what="revoke")
    assert (noted["user_id"], noted["object"], noted["detail"]) == ("2", "users/55", "connections: 0")


async def test_only_administrators_read_it(secure: ServerProcess, rest: httpx.AsyncClient) -> None:
    assert (await rest.get("/api/security-log")).status_code == 401
    assert (await rest.get("/api/security-log", headers=bearer("employee"))).status_code == 403
    answer = await rest.get("/api/security-log", params={"limit": 2}, headers=bearer("admin"))
    newest, before = answer.json()["data"]
    assert (newest["what"], newest["result"]) == ("GET /api/security-log", "forbidden")
    assert (before["what"], before["result"]) == ("GET /api/security-log", "unauthorized")
    assert [newest, before] == lines(secure)[:-3:-1]


# Nobody talks their way out of it


async def test_a_name_is_a_name(make_server: Any) -> None:
    server = make_server()
    stream = WebsocketStream(server.url, None, ("log/named",), {"user_id": "9", "username": IMITATION})
    await stream.open()
    await stream.leave()
    quoted = json.dumps(IMITATION, ensure_ascii=False)
    await eventually(lambda: f' of {quoted} ("9") on log/named closed' in server.log())
    async with httpx.AsyncClient(base_url=server.url, params={"username": IMITATION}) as client:
        await client.post("/api/productos", json={"nombre": "Té", "precio": 1})
    one = await seen(server, event="changed")
    assert one["username"] == IMITATION
    assert len(lines(server)) == 1


async def test_a_flood_of_refusals_is_counted_and_not_written(make_server: Any) -> None:
    server = make_server(**SECURE)
    refused = 150
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        for _ in range(refused):
            assert (await client.get("/api/rooms")).status_code == 401
        assert (await client.get("/metrics", headers=bearer())).status_code == 403
    await seen(server, result="forbidden")
    assert len(lines(server)) == limits.SECURITY_ALIKE + 1
    server.stop()
    (summed,) = [one for one in lines(server) if one["event"] == "left_out"]
    assert (summed["result"], summed["address"]) == ("unauthorized", ADDRESS)
    assert summed["count"] == refused - limits.SECURITY_ALIKE


async def test_many_addresses_have_a_bound_together(tmp_path: Path) -> None:
    log = SecurityLog(tmp_path / "security.log")
    log.open()
    refused = Refused("unauthorized", "no", status=401)
    for number in range(5_000):
        log.refused(refused, Whence(f"10.0.{number // 250}.{number % 250}", "front"), lambda: None, Act("GET /"))
    log.close()
    told = [json.loads(line) for line in (tmp_path / "security.log").read_text("utf-8").splitlines()]
    assert sum(one["count"] or 1 for one in told) == 5_000
    assert len(told) <= limits.SECURITY_KINDS + limits.SECURITY_ALIKE + 1
    assert log.refusals["front", "unauthorized"] == 5_000


async def test_it_rotates_itself_and_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECURITY_FILE_BYTES", 4_000)
    monkeypatch.setattr(limits, "SECURITY_FILES", 5)
    log = SecurityLog(tmp_path / "logs" / "security.log")
    log.open()
    for number in range(100):
        log.note("changed", Identity("1", "Ana"), Whence(ADDRESS, "front"), Act("deposito", f"accounts/{number}"))
        await asyncio.sleep(0)
    log.close()
    files = sorted(log_files(tmp_path / "logs"), key=lambda path: path.stat().st_mtime_ns)
    told = [json.loads(line)["object"] for path in files for line in path.read_text("utf-8").splitlines()]
    assert told == [f"accounts/{number}" for number in range(100)]
    assert all(path.stat().st_size <= 4_000 for path in files)
    assert 1 < len(files) <= 6
    assert {mode(path) for path in files} == {0o600}


def log_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_what_was_before_a_restart_is_still_shown(make_server: Any) -> None:
    server = make_server(**SECURE)
    async with httpx.AsyncClient(timeout=15) as client:
        assert (await client.get(f"{server.url}/metrics", headers=bearer())).status_code == 403
        await seen(server, result="forbidden")
        server.kill()
        server.start()
        answer = await client.get(f"{server.url}/api/security-log", headers=bearer("admin"))
    assert [(one["what"], one["result"]) for one in answer.json()["data"]] == [("GET /metrics", "forbidden")]


# Where it is


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "envivo-security.log"),
        ({"database_url": "sqlite:///var/lib/class.db"}, "/var/lib/class-security.log"),
        ({"database_url": "sqlite://:memory:"}, None),
        ({"database_url": "postgres://envivo@db/envivo"}, "envivo-security.log"),
        ({"database_url": "sqlite://:memory:", "security_log": "logs/seen.log"}, "logs/seen.log"),
    ],
)
def test_it_is_beside_the_database_unless_somebody_says_where(settings: Json, path: str | None) -> None:
    assert load_settings(**settings).security_log_path == (None if path is None else Path(path))


def test_the_two_logs_are_two_files() -> None:
    with pytest.raises(SettingsError, match="another file than ENVIVO_LOG_FILE"):
        load_settings(log_file="logs/one.log", security_log="logs/one.log")


def test_one_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    server = ServerProcess(tmp_path, security_log=tmp_path / "file" / "security.log")
    server.launch()
    assert server.wait() == 1
    assert "ENVIVO_SECURITY_LOG" in server.log()
    assert "Traceback" not in server.log()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
async def test_a_full_disk_stops_nobody_and_is_told_once(make_server: Any) -> None:
    server = make_server(security_log="/dev/full")
    async with httpx.AsyncClient(base_url=server.url) as client:
        for number in range(3):
            answer = await client.post("/api/productos", json={"nombre": f"Té {number}", "precio": 1})
            assert answer.status_code == 201
        assert len((await client.get("/api/security-log")).json()["data"]) == 3
    await eventually(lambda: server.log().count("the security log cannot be written") == 1)
    assert mode(Path("/dev/full")) == 0o666
