"""Who is let in over Socket.IO, from which site, and over TLS."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.running import ServerProcess
from tests.transports.socketio.client import socketio_client
from tests.transports.socketio.engine_io import Session
from tests.transports.socketio.world import FIRM, WAYS, Server, numbers, publish

KEY = "k" * 40


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = Server(
        tmp_path_factory.mktemp("secure"),
        access="secure",
        secret_key=KEY,
        allowed_origins="https://app.example",
        stats_interval=0.2,
    )
    yield server.start()
    server.check_clean_end()


def token(role: str = "user") -> str:
    return issue_token(
        load_settings(access="secure", secret_key=KEY).front, Identity("7", "Ana", role), timedelta(hours=1)
    )


@pytest.mark.node
@pytest.mark.parametrize(("way", "place"), [("websocket", "auth"), ("polling", "query"), ("upgrade", "auth")])
async def test_in_secure_mode_a_token_lets_in(secure: ServerProcess, way: str, place: str) -> None:
    async with socketio_client(secure.url, **{place: {"token": token()}}, **WAYS[way]) as client:
        await client.connected()


@pytest.mark.node
async def test_who_may_not_see_the_balances_gets_the_counters(secure: ServerProcess) -> None:
    account = {"cedula": "1350509525", "nombre": "Ana", "saldo_inicial": 10}
    headers = {"Authorization": f"Bearer {token('admin')}"}
    async with (
        socketio_client(secure.url, auth={"token": token()}) as client,
        socketio_client(secure.url, auth={"token": token("admin")}) as administrator,
        httpx.AsyncClient(base_url=secure.url, headers=headers) as rest,
    ):
        await client.connected()
        await administrator.connected()
        assert (await rest.post("/api/cuentas", json=account)).status_code == 201
        deposit = await rest.post("/api/deposito", json={"cedula": "1350509525", "monto": 5})
        assert deposit.status_code == 200, deposit.text
        paid = [{"cedula": "1350509525", "balance": 15.0}]
        await administrator.until(lambda: paid in administrator.events("balance_updated"))
        seen = len(client.events("stats_updated"))
        await client.until(lambda: len(client.events("stats_updated")) > seen)
        assert client.events("balance_updated") == []


@pytest.mark.node
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "unauthorized"),
        ({"auth": {"token": "forged"}}, "unauthorized"),
        ({"auth": {"token": ["no", "text"]}}, "bad_request"),
        ({"auth": {"since": "no cursor", "token": "TOKEN"}}, "invalid_since"),
        ({"auth": {"token": "TOKEN"}, "extraHeaders": {"Origin": "https://evil.example"}}, "origin_not_allowed"),
    ],
)
@pytest.mark.parametrize("way", FIRM)
async def test_who_is_refused_is_told_why_and_stays_away(
    secure: ServerProcess, way: str, options: dict[str, Any], code: str
) -> None:
    auth = {name: token() if value == "TOKEN" else value for name, value in options.get("auth", {}).items()}
    async with socketio_client(secure.url, **{**WAYS[way], **options, "auth": auth}) as client:
        await client.until(lambda: client.all("refused"))
        refused = client.told[0]
        assert (refused["data"]["code"], refused["stays"]) == (code, True)
        assert refused["refused"]


async def test_the_pages_of_a_listed_site_may_read_the_answers(secure: ServerProcess) -> None:
    query = {"EIO": "4", "transport": "polling"}
    async with httpx.AsyncClient(base_url=secure.url) as rest:
        for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
            answer = await rest.get("/socket.io/", params=query, headers={"Origin": origin})
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed


@pytest.mark.node
@pytest.mark.parametrize("way", FIRM)
async def test_over_tls(tls: ServerProcess, way: str) -> None:
    async with socketio_client(tls.url, rejectUnauthorized=False, **WAYS[way]) as client, http2(tls) as rest:
        await client.connected()
        await publish(rest, range(100))
        await client.until(lambda: numbers(client) == list(range(100)))


async def test_polls_over_http_2(tls: ServerProcess) -> None:
    async with http2(tls) as rest, Session(tls.url, rest) as session:
        await session.connect()
        await publish(rest, range(100))
        await session.poll_until(lambda: session.names.count("n") == 100)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = Server(tmp_path_factory.mktemp("tls"), "--tls")
    yield server.start()
    server.check_clean_end()


def http2(server: ServerProcess) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, verify=server.tls, http2=True)
