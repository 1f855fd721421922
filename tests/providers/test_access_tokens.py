"""Access tokens of another issuer, signed with keys that it publishes: which are taken, and when keys change or do not
come."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import websockets

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime import Identity
from tests.providers.publisher import AUDIENCE, ISSUER, Publisher, SigningKey, publishing
from tests.running import ServerProcess, wait_until
from tests.secure import KEY, SECURE

KEYS = {algorithm: SigningKey(algorithm) for algorithm in ("RS256", "ES256", "EdDSA")}
AUTHORITIES = httpx.create_ssl_context()  # once: it takes longer than a request
RULES = "scope=admin*:admin; sub=*:user:rooms/1"


def settings(publisher: Publisher) -> dict[str, Any]:
    issuer = {"jwks_url": publisher.url, "token_issuer": ISSUER, "token_audience": AUDIENCE, "claim_rules": RULES}
    return {**SECURE, **issuer}


@pytest.fixture(scope="module")
def publisher() -> Iterator[Publisher]:
    with publishing(*KEYS.values()) as publisher:
        yield publisher


@pytest.fixture(scope="module")
def server(publisher: Publisher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    started = ServerProcess(tmp_path_factory.mktemp("server"), **settings(publisher)).start()
    wait_until(lambda: asked(started, KEYS["RS256"].token()).status_code == 200)
    yield started
    started.check_clean_end()


def asked(server: ServerProcess, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{server.url}/api/session", headers=headers, verify=AUTHORITIES)


def answered(server: ServerProcess, token: str) -> httpx.Response:
    """The answer once the key of the token was looked for."""

    def answer() -> httpx.Response | None:
        told = asked(server, token)
        if told.status_code != 503:
            return told
        assert told.json()["error"]["code"] == "keys_unavailable"
        assert 1 <= int(told.headers["Retry-After"]) <= 5
        return None

    return wait_until(answer, 10)


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_of_the_issuer_speaks_for_its_bearer(server: ServerProcess, algorithm: str) -> None:
    session = asked(server, KEYS[algorithm].token()).json()["data"]
    assert (session["user_id"], session["username"], session["role"]) == ("ana", "Ana", "user")
    assert session["topics"]["subscribe"] == ["rooms/1"]
    admin = KEYS[algorithm].token(scope="admin:all", aud=["other", AUDIENCE])
    assert asked(server, admin).json()["data"]["role"] == "admin"


@pytest.mark.parametrize("type", ["JWT", "at+jwt", "AT+JWT", "application/at+jwt", None])
def test_its_type_is_that_of_an_access_token_or_says_nothing(server: ServerProcess, type: str | None) -> None:
    assert asked(server, KEYS["ES256"].token({"typ": type})).status_code == 200


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "logout+jwt"}, {}),
        ({"typ": "envivo+jwt"}, {}),
        ({}, {"iss": "https://issuer.example"}),
        ({}, {"iss": "envivo", "aud": "envivo"}),
        ({}, {"iss": None}),
        ({}, {"aud": "another"}),
        ({}, {"aud": None}),
        ({}, {"aud": []}),
        ({}, {"sub": None}),
        ({}, {"exp": None}),
        ({}, {"exp": 1_000_000_000}),
        ({}, {"exp": timedelta(days=400)}),
        ({}, {"exp": "soon"}),
        ({}, {"iat": timedelta(hours=1)}),
        ({}, {"nbf": timedelta(hours=1)}),
        ({}, {"more": "x" * 20_000}),
    ],
    ids=lambda one: str(one)[:40],
)
def test_a_token_that_is_not_for_us_is_not_taken(
    server: ServerProcess, header: dict[str, Any], changes: dict[str, Any]
) -> None:
    told = asked(server, KEYS["ES256"].token(header, **changes))
    assert (told.status_code, told.json()["error"]["code"]) == (401, "unauthorized")


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def forged(header: dict[str, Any], key: bytes) -> str:
    """A token of the issuer with this header that was signed by HMAC with `key`, which no library would do."""
    claims = KEYS["RS256"].token().split(".")[1]
    signed = f"{encoded(json.dumps(header).encode())}.{claims}"
    return f"{signed}.{encoded(hmac.digest(key, signed.encode(), 'sha256'))}"


def test_a_public_key_signs_nothing(server: ServerProcess) -> None:
    """Algorithm confusion (RFC 8725 section 2.1): what everybody knows must not be taken for a secret."""
    key = KEYS["RS256"]
    for known in (key.pem, key.pem.strip(), json.dumps(key.public).encode(), key.public["n"].encode(), b""):
        for header in ({"alg": "HS256", "kid": key.id}, {"alg": "HS256"}, {"alg": "RS256", "kid": key.id}):
            assert asked(server, forged(header, known)).status_code == 401, header


def test_the_key_of_the_door_and_those_of_the_issuer_are_apart(server: ServerProcess) -> None:
    door = load_settings(**SECURE).front
    ours = issue_token(door, Identity("7", "Ana"), timedelta(hours=1))
    assert asked(server, ours).json()["data"]["user_id"] == 7
    _, claims, signature = ours.split(".")
    for alg in KEYS:
        changed = encoded(json.dumps({"alg": alg, "kid": alg.lower(), "typ": "at+jwt"}).encode())
        assert asked(server, f"{changed}.{claims}.{signature}").status_code == 401
        assert asked(server, forged({"alg": alg, "kid": alg.lower(), "typ": "at+jwt"}, KEY.encode())).status_code == 401
    assert asked(server, forged({"alg": "HS256"}, KEY.encode())).status_code == 401  # its iss is not ours
    own = SigningKey("RS256", "rs256").token({"jwk": KEYS["RS256"].public, "jku": "http://127.0.0.1/keys"})
    assert asked(server, own).status_code == 401
    for alg in ("none", "None", "HS512", "RS512", "PS256"):
        assert asked(server, f"{encoded(json.dumps({'alg': alg}).encode())}.{claims}.").status_code == 401


def test_a_key_of_another_kind_under_a_known_name_is_not_taken(server: ServerProcess) -> None:
    assert answered(server, SigningKey("ES256", "rs256").token()).status_code == 401


async def test_a_stream_opens_by_it_and_ends_with_it(server: ServerProcess) -> None:
    token = KEYS["EdDSA"].token(exp=int(time.time()) + 2)
    address = f"{server.url.replace('http', 'ws')}/ws/rooms/1"
    subprotocols = [websockets.Subprotocol("bearer"), websockets.Subprotocol(token)]
    async with websockets.connect(address, subprotocols=subprotocols) as socket:
        assert json.loads(await socket.recv())["type"] == "connected"
        await socket.wait_closed()
        assert socket.close_code == 4401


def test_its_user_and_it_alone_can_be_revoked(server: ServerProcess) -> None:
    admin = {"Authorization": f"Bearer {KEYS['ES256'].token(sub='root', scope='admin')}"}
    mine, named = KEYS["ES256"].token(sub="rita"), KEYS["ES256"].token(sub="rosa", jti="rosa-1")
    assert httpx.delete(f"{server.url}/api/tokens/rosa-1", headers=admin).status_code == 200
    assert asked(server, named).status_code == 401
    assert asked(server, KEYS["ES256"].token(sub="rosa", jti="rosa-2")).status_code == 200
    assert asked(server, mine).status_code == 200
    assert httpx.post(f"{server.url}/api/users/rita/revoke", headers=admin).status_code == 200
    assert asked(server, mine).status_code == 401


def test_keys_change(server: ServerProcess, publisher: Publisher) -> None:
    newer = SigningKey("ES256", "newer")
    publisher.publish(*KEYS.values(), newer)
    assert answered(server, newer.token()).status_code == 200


async def test_while_no_key_is_known_clients_are_told_to_come_back(make_server: Callable[..., ServerProcess]) -> None:
    with publishing(KEYS["ES256"]) as publisher:
        publisher.status = 404
        server = make_server(**settings(publisher))
        token = KEYS["ES256"].token()
        wait_until(lambda: "cannot be fetched" in server.log())
        told = asked(server, token)
        assert (told.status_code, told.json()["error"]["code"]) == (503, "keys_unavailable")
        async with websockets.connect(f"{server.url.replace('http', 'ws')}/ws/rooms/1?token={token}") as socket:
            assert json.loads(await socket.recv())["data"]["retry_after"] >= 1000
            await socket.wait_closed()
            assert socket.close_code == 1001
        publisher.status = 200
        assert answered(server, token).status_code == 200
        assert server.log().count("cannot be fetched") == 1
