"""A page of another site, open in a visitor's browser, joins them to no room: by no request that a page can make
without asking."""

from collections.abc import Iterator

import httpx
import pytest

from tests.domains.chat.people import Person
from tests.running import ServerProcess

ALLOWED = "https://app.example"
TAG = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
FOREIGN: dict[str, dict[str, str]] = {
    "an image": TAG,
    "a link": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    "a frame": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    "an image of another port of this machine": {**TAG, "Sec-Fetch-Site": "same-site"},
    "a script": {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    "a script of an old browser": {"Origin": "http://evil.example"},
    "a sandboxed page": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
}
OURS: dict[str, dict[str, str]] = {
    "a program": {},
    "our own page": {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
    "an address that was typed": {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    "a page of a listed site": {"Origin": ALLOWED, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("open"), allowed_origins=ALLOWED).start()
    yield server
    server.check_clean_end()


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_page_of_another_site_joins_nobody(server: ServerProcess, headers: dict[str, str]) -> None:
    query = "username=EVIL&user_id=666"
    async with Person(server.url, "/1", username="Ana") as ana, httpx.AsyncClient(base_url=server.url) as browser:
        await ana.hear("history")
        for path in (f"/poll/rooms/1?wait=0&{query}", f"/poll?topic=rooms/1&wait=0&{query}", f"/sse/rooms/1?{query}"):
            for method in ("GET", "HEAD"):
                async with browser.stream(method, path, headers=headers) as answer:
                    assert answer.status_code == 403, path
                    assert method == "HEAD" or b"origin_not_allowed" in await answer.aread()
        present = (await browser.get("/api/rooms/1/presence")).json()["data"]
        assert "EVIL" not in str(present), "neither here nor seen last"
        await ana.say("ping")
        await ana.hear("pong")
        assert "user_joined" not in ana.types()


@pytest.mark.parametrize("headers", OURS.values(), ids=OURS.keys())
async def test_everybody_else_is_let_in(server: ServerProcess, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/poll/rooms/1?wait=0&username=Eva", headers=headers)).status_code == 200
        async with client.stream("GET", "/sse/rooms/1?username=Eva", headers=headers) as stream:
            assert stream.status_code == 200


async def test_a_poll_that_goes_on_is_held_to_it_too(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        first = (await client.get("/poll/rooms/2?wait=0&username=Eva")).json()
        connection_id = first["messages"][0]["connection_id"]
        query = {"since": first["id"], "wait": "0", "connection_id": connection_id}
        assert (await client.get("/poll/rooms/2", params=query, headers=TAG)).status_code == 403
        assert (await client.get("/poll/rooms/2", params=query)).status_code == 200
