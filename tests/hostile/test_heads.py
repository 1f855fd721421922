"""Heads of requests that are long, unclear or of another protocol."""

import asyncio

import httpx
import pytest

from tests.hostile.peers import LONG_TURN, Meter, Turns, connected, request
from tests.running import ServerProcess

LONG = 20_000  # bytes, which is within the limit of 32,768
CPU = 0.5  # s for a few requests


@pytest.mark.parametrize("path", ["/", "/nowhere", "/chat"])
@pytest.mark.parametrize(
    "header",
    [
        {"Accept-Language": "a," * (LONG // 2)},
        {"Accept-Language": "aa;q=0.1," * (LONG // 9)},
        {"Accept": "a/b," * (LONG // 4)},
        {"Cookie": "a=b;" * (LONG // 4)},
        {"If-None-Match": '"a",' * (LONG // 4)},
    ],
    ids=["languages", "weighed languages", "types", "cookies", "tags"],
)
async def test_a_long_list_costs_no_more_than_a_page(server: ServerProcess, path: str, header: dict[str, str]) -> None:
    meter, turns = Meter(server), Turns(server)
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        for _ in range(3):
            assert (await client.get(path, headers=header)).status_code == (404 if path == "/nowhere" else 200)
    assert meter.cpu() < CPU
    assert turns.longest() < 3 * LONG_TURN


async def test_a_form_of_very_many_fields_costs_no_more(server: ServerProcess) -> None:
    meter = Meter(server)
    form = {"content": b"a&" * 120_000, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        for _ in range(20):
            assert (await client.post("/language", **form)).status_code == 413  # type: ignore[arg-type]  # it is as asked
        assert (await client.post("/language", data={"language": "en", "next": "/chat" * 3_000})).status_code == 303
    assert meter.cpu() < CPU


async def test_neither_does_a_search_for_very_many_words(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        assert "<mark>" in (await client.get("/guide/search", params={"q": "cursor cursor"})).text
        meter = Meter(server)
        for words in ("a " * 10_000, " ".join("aeiourstlnmdcpbgfhvjqyz1234567890")):
            for _ in range(5):
                assert (await client.get("/guide/search", params={"q": words})).status_code == 200
    assert meter.cpu() < CPU


async def test_the_language_is_still_that_of_the_visitor(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        for accepted, language in (
            ("en-US,en;q=0.9,es;q=0.8", "en"),
            ("fr;q=0.9," * 10 + "en", "en"),
            ("fr," * 1_000 + "en", "es"),
            ("es;q=0.2,en;q=0.9," + "fr;q=0.1," * 1_000, "en"),
            ("x" * 1_000, "es"),
        ):
            page = await client.get("/", headers={"Accept-Language": accepted})
            assert f'<html lang="{language}"' in page.text


@pytest.mark.parametrize("cut", [1, 3], ids=["at once", "in parts"])
async def test_a_head_beyond_the_limit_is_refused(server: ServerProcess, cut: int) -> None:
    sent = request("/health", headers=f"Accept-Language: {'a,' * 30_000}\r\n")
    async with connected(server) as peer:
        for at in range(cut):
            await peer.send(sent[at * len(sent) // cut : (at + 1) * len(sent) // cut])
            await asyncio.sleep(0.05 if cut > 1 else 0)
        assert (await peer.rest()).startswith(b"HTTP/1.1 431 ")


async def test_a_request_that_tells_two_lengths_is_the_last_of_its_connection(server: ServerProcess) -> None:
    unclear = "Content-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    smuggled = request("/api/rooms")
    async with connected(server) as peer:
        await peer.send(request("/api/publish", "POST", unclear) + b"0\r\n\r\n" + smuggled)
        answers = await peer.rest()
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answers.lower()


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9"])
async def test_another_version_is_none_of_ours(server: ServerProcess, version: str) -> None:
    async with connected(server) as peer:
        await peer.send(request("/health").replace(b"HTTP/1.1", version.encode(), 1))
        assert (await peer.rest()).startswith(b"HTTP/1.1 505 ")


@pytest.mark.parametrize("settings", ["AAMAAABkAAQAAP__", ""])
async def test_nobody_is_upgraded_to_http2(server: ServerProcess, settings: str) -> None:
    """A proxy that passes `Upgrade` on, as it has to for WebSockets, would not see the requests after that."""
    upgrade = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\n"
    async with connected(server) as peer:
        for _ in range(2):
            await peer.send(request("/health", headers=upgrade))
            head = await peer.head()
            assert head.startswith(b"HTTP/1.1 200 ")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await peer.reader.readexactly(length)


async def test_the_preface_of_http2_comes_first_or_not_at_all(server: ServerProcess) -> None:
    async with connected(server) as peer:
        await peer.send(request("/health"))
        head = await peer.head()
        await peer.reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        await peer.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        assert (await peer.rest()).startswith(b"HTTP/1.1 505 ")
