"""Fetching keys that somebody publishes: how often, how much, and which of them are taken."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from jwt.algorithms import OKPAlgorithm

from quart_app.providers.keys import KeySet, PublishedKeys, read_keys
from quart_app.providers.outside import Outside, ProviderAway
from quart_app.realtime import Refused
from quart_app.realtime.limits import KEYS_PUBLISHED, KEYS_UNKNOWN, PROVIDER_BYTES
from tests.providers.publisher import SigningKey, publishing
from tests.running import eventually

ES, ED = SigningKey("ES256"), SigningKey("EdDSA")


class Issuer:
    """What is asked for keys: it counts how often, and raises where it is told to."""

    def __init__(self, *keys: SigningKey) -> None:
        self.published = [key.public for key in keys]
        self.asked = 0
        self.away = False

    async def fetch(self) -> list[dict[str, Any]]:
        self.asked += 1
        if self.away:
            raise ProviderAway("away")
        return self.published


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quart_app.providers.keys.KEYS_PAUSE", 0.02)


@asynccontextmanager
async def keys_of(issuer: Issuer) -> AsyncIterator[PublishedKeys]:
    keys = PublishedKeys("the issuer", issuer.fetch)
    fetching = asyncio.create_task(keys.run())
    yield keys
    fetching.cancel()
    await asyncio.wait([fetching])
    assert fetching.cancelled(), fetching.exception()


def status(keys: PublishedKeys, id: str | None, algorithm: str = "ES256") -> int:
    try:
        keys.find(id, algorithm)
    except Refused as refused:
        return refused.status
    return 200


async def test_keys_are_found_by_name_and_kind() -> None:
    async with keys_of(Issuer(ES, ED)) as keys:
        assert status(keys, "es256") == 503  # nobody has fetched anything yet
        await keys.ready()
        assert status(keys, "es256") == 200
        assert status(keys, None) == 200
        assert status(keys, "es256", "EdDSA") == 503


async def test_a_key_without_a_name_is_not_guessed_among_several() -> None:
    async with keys_of(Issuer(ES, SigningKey("ES256", "another"))) as keys:
        await keys.ready()
        assert status(keys, None) == 503
        await eventually(lambda: status(keys, None) == 401)


async def test_an_unknown_key_is_looked_for_once() -> None:
    issuer = Issuer(ES)
    async with keys_of(issuer) as keys:
        await keys.ready()
        await eventually(lambda: status(keys, "newer") == 401)
        await eventually(lambda: status(keys, "older") == 401)
        asked = issuer.asked
        for _ in range(100):
            assert (status(keys, "newer"), status(keys, "older")) == (401, 401)
        await asyncio.sleep(0.1)
        assert issuer.asked == asked
        issuer.published = [ES.public, SigningKey("ES256", "newer").public]
        await eventually(lambda: status(keys, "other") == 401)
        assert status(keys, "newer") == 200


async def test_many_unknown_keys_cost_one_look_and_no_memory() -> None:
    issuer = Issuer(ES)
    async with keys_of(issuer) as keys:
        await keys.ready()
        before = issuer.asked
        for number in range(20 * KEYS_UNKNOWN):
            assert status(keys, f"wrong-{number}") == 503
        await eventually(lambda: issuer.asked > before)
        await asyncio.sleep(0.1)
        assert issuer.asked == before + 1
        assert len(keys._wanted) + len(keys._missing) <= 2 * KEYS_UNKNOWN


async def test_an_issuer_has_its_rest_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quart_app.providers.keys.KEYS_PAUSE", 0.2)
    issuer = Issuer(ES)
    async with keys_of(issuer) as keys:
        await keys.ready()
        began, before = time.monotonic(), issuer.asked
        for number in range(60):
            status(keys, f"wrong-{number}")
            await asyncio.sleep(0.01)
        assert issuer.asked - before <= (time.monotonic() - began) / 0.2 + 1


async def test_keys_stay_while_their_issuer_is_away_and_go_when_it_says_so() -> None:
    issuer = Issuer(ES, ED)
    async with keys_of(issuer) as keys:
        await keys.ready()
        issuer.away = True
        before = issuer.asked
        assert status(keys, "x") == 503
        await eventually(lambda: issuer.asked > before)
        assert (status(keys, "x"), status(keys, "es256")) == (503, 200)
        issuer.away, issuer.published = False, [ED.public]
        await eventually(lambda: status(keys, "x") == 401)
        assert status(keys, "es256") == 503
        await eventually(lambda: status(keys, "es256") == 401)


async def test_who_waits_for_a_key_gets_it_or_hears_that_it_does_not_come() -> None:
    issuer = Issuer(ES)
    async with keys_of(issuer) as keys:
        assert await keys.obtain("es256", "ES256") is not None
        issuer.published = [ED.public]
        assert await asyncio.wait_for(keys.obtain("eddsa", "EdDSA"), 5) is not None
        with pytest.raises(Refused):
            await asyncio.wait_for(keys.obtain("none", "ES256"), 5)
        issuer.away = True
        with pytest.raises(ProviderAway):
            await asyncio.wait_for(keys.obtain("another", "ES256"), 5)


def test_keys_that_do_not_sign_for_us_are_left_out() -> None:
    weak, rsa = SigningKey("RS256", "weak", bits=1024).public, SigningKey("RS256").public
    others: list[dict[str, Any]] = [
        weak,
        {**rsa, "n": rsa["n"] * 8},
        {**rsa, "use": "enc"},
        {**rsa, "alg": "RS512"},
        {**ES.public, "crv": "P-384"},
        {**ES.public, "x": "AAAA"},
        {**OKPAlgorithm.to_jwk(ED.private, as_dict=True), "kid": "private"},
        {**ED.public, "kid": ["a"]},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {"kty": ["RSA"]},
        {"kty": {}, "crv": {}},
        {},
    ]
    assert read_keys(others) == {}
    assert list(read_keys([*others, rsa, ES.public, ED.public])) == [
        ("rs256", "RS256"),
        ("es256", "ES256"),
        ("eddsa", "EdDSA"),
    ]
    assert len(read_keys({**ED.public, "kid": str(number)} for number in range(500))) == KEYS_PUBLISHED


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 404),
        (b"", {"Location": "http://127.0.0.1:1/"}, 302),
        (b"<html>", {}, 200),
        (b'{"keys": 5}', {}, 200),
        (b'{"keys": ["a"]}', {}, 200),
        (b'{"keys":' + b"[" * 100_000, {}, 200),
        (b'{"keys": []' + b" " * PROVIDER_BYTES + b"}", {}, 200),
        (zlib.compress(b'{"keys": []' + b" " * 10_000_000 + b"}"), {"Content-Encoding": "deflate"}, 200),
    ],
    ids=["status", "redirect", "page", "number", "texts", "depth", "size", "compressed"],
)
async def test_what_is_no_set_of_keys_is_refused(body: bytes, headers: dict[str, str], status: int) -> None:
    with publishing() as publisher:
        publisher.body, publisher.headers, publisher.status = body, headers, status
        with pytest.raises(ProviderAway):
            await Outside().get(publisher.url, KeySet)


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quart_app.providers.outside.PROVIDER_TIMEOUT", 0.5)
    answering: set[asyncio.StreamWriter] = set()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n{")
            while not reader.at_eof():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()
        answering.remove(writer)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(ProviderAway):
            await asyncio.wait_for(Outside().get(address, KeySet), 20)
        await eventually(lambda: not answering)


@pytest.mark.parametrize(
    "url", ["http://example.org/keys", "ftp://127.0.0.1/keys", "file:///etc/passwd", "https://", "x"]
)
async def test_nothing_is_asked_where_others_could_change_the_answer(url: str) -> None:
    with pytest.raises(ProviderAway, match="https"):
        await Outside().get(url, KeySet)
    with pytest.raises(ProviderAway, match="https"):
        await Outside().post(url, "", {}, KeySet)
