"""The end of sessions: signing out, and what administrators revoke, on every transport and over a restart."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import jwt
import pytest

from quart_app.config import load_settings
from quart_app.identity import issue_ticket
from quart_app.realtime import Identity, limits
from tests.running import ServerProcess, eventually
from tests.secure import KEY, SECURE, bearer, browser, token
from tests.transports.drivers import Refusal, SseStream, Stream, WebsocketStream

OLD_KEY = "the key that was used before, also secret"
SETTINGS = SECURE | {"previous_key": OLD_KEY}
DOOR = load_settings(**SETTINGS).front
STREAMS: dict[str, type[Stream]] = {"ws": WebsocketStream, "sse": SseStream}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("sessions"), **SETTINGS).start()
    yield server
    server.check_clean_end()


async def ask(server: ServerProcess, method: str, path: str, **parts: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.request(method, path, **parts)


async def _open(server: ServerProcess, transport: str, **query: Any) -> Stream:
    stream = STREAMS[transport](server.url, None, ("rooms/1",), query)
    await stream.open()
    return stream


def signed_in(server: ServerProcess, user: str) -> httpx.Client:
    client = browser(server.url)
    entered = client.post("/session", data={"token": token(user), "next": "/chat"})
    assert entered.status_code == 303
    return client


async def test_signing_out_ends_what_the_browser_has_open_and_nothing_else(secure: ServerProcess) -> None:
    with closing(signed_in(secure, "ana")) as here, closing(signed_in(secure, "ana")) as there:
        streams = {}
        for place, client in (("here", here), ("there", there)):
            cookie = {"Cookie": f"envivo_token={client.cookies['envivo_token']}"}
            streams[place] = [await _open(secure, transport, headers=cookie) for transport in STREAMS]
        left = here.delete("/session")
        assert (left.status_code, left.json()["data"]) == (200, {"connections": len(STREAMS)})
        assert "envivo_token" not in here.cookies
        for stream in streams["here"]:
            assert await stream.end() in {4401, 0}
            assert stream.messages[-1]["data"]["code"] == "unauthorized"
        assert here.get("/chat").status_code == 401
        assert there.get("/chat").status_code == 200
        for stream in streams["there"]:
            assert stream.closed is None
            await stream.drop()


def test_the_cookie_of_a_session_that_was_ended_is_good_no_more(secure: ServerProcess) -> None:
    with closing(signed_in(secure, "eva")) as client:
        kept = client.cookies["envivo_token"]
        page = client.get("/chat")
        assert "eva" in page.text
        assert 'action="/session/end"' in page.text
        assert client.post("/session/end").headers["Location"] == "/"
    assert httpx.get(f"{secure.url}/api/rooms", headers={"Cookie": f"envivo_token={kept}"}).status_code == 401
    assert httpx.get(f"{secure.url}/api/rooms", headers=bearer(kept)).status_code == 401


@pytest.mark.parametrize("transport", list(STREAMS))
async def test_all_that_a_user_has_ends_when_an_administrator_says_so(secure: ServerProcess, transport: str) -> None:
    user, before = f"mallory-{transport}", token(f"mallory-{transport}")
    stream = await _open(secure, transport, headers=bearer(before))
    revoke = f"/api/users/{user}/revoke"
    assert (await ask(secure, "POST", revoke, headers=bearer(before))).status_code == 403
    ended = await ask(secure, "POST", revoke, headers=bearer(token("root", "admin")))
    assert ended.json()["data"] == {"connections": 1}
    assert await stream.end() == (4401 if transport == "ws" else 0)
    with pytest.raises(Refusal) as refused:
        await _open(secure, transport, headers=bearer(before))
    assert refused.value.code == "unauthorized"
    later = await _open(secure, transport, headers=bearer(token(user)))
    await later.drop()


async def test_a_long_poll_that_waits_is_answered_when_its_user_is_revoked(secure: ServerProcess) -> None:
    mine = bearer(token("polly"))
    welcome = (await ask(secure, "GET", "/poll/rooms/1", headers=mine)).json()
    headers = {**mine, "X-Connection-Id": welcome["messages"][0]["connection_id"]}
    poll = {"headers": headers, "params": {"since": welcome["id"]}, "timeout": 20}
    waiting = asyncio.create_task(ask(secure, "GET", "/poll/rooms/1", **poll))

    async def waits() -> bool:
        found = await ask(secure, "GET", "/api/connections", params={"q": "polly"}, headers=bearer(token("r", "admin")))
        return bool(found.json()["data"]["total"] == 1)

    await eventually(waits)
    ended = await ask(secure, "POST", "/api/users/polly/revoke", headers=bearer(token("root", "admin")))
    assert ended.json()["data"] == {"connections": 1}
    async with asyncio.timeout(10):
        answer = await waiting
    assert answer.status_code == 401 or answer.json()["messages"][-1]["data"]["code"] == "unauthorized"
    assert (await ask(secure, "GET", "/poll/rooms/1", **poll)).status_code == 401


async def test_what_was_revoked_stays_so_over_a_restart(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(**SETTINGS)
    ana, eva, admin = token("ana"), token("eva"), bearer(token("root", "admin"))
    id = jwt.decode(eva, options={"verify_signature": False})["jti"]
    assert (await ask(server, "POST", "/api/users/ana/revoke", headers=admin)).status_code == 200
    assert (await ask(server, "DELETE", f"/api/tokens/{id}", headers=admin)).status_code == 200
    server.kill()
    server.start()
    for lost in (ana, eva):
        assert (await ask(server, "GET", "/api/rooms", headers=bearer(lost))).status_code == 401
    for good in (token("ana"), token("eva")):
        assert (await ask(server, "GET", "/api/rooms", headers=bearer(good))).status_code == 200


@pytest.mark.parametrize("transport", list(STREAMS))
async def test_a_ticket_opens_a_stream_and_is_no_token(secure: ServerProcess, transport: str) -> None:
    mine = token("tito")
    made = (await ask(secure, "POST", "/api/tickets", headers=bearer(mine))).json()["data"]
    assert made["expires_in"] == 60
    stream = await _open(secure, transport, ticket=made["ticket"])
    assert {"user_id": "tito", "username": "tito"} in stream.welcome["data"]["active_users"]
    for way in ({"headers": bearer(made["ticket"])}, {"params": {"token": made["ticket"]}}):
        assert (await ask(secure, "GET", "/api/rooms", **way)).status_code == 401
    assert (await ask(secure, "GET", "/api/rooms", params={"ticket": mine})).status_code == 401
    await stream.drop()


async def test_who_is_revoked_loses_what_tickets_have_opened(secure: ServerProcess) -> None:
    mine = token("tina")
    ticket = (await ask(secure, "POST", "/api/tickets", headers=bearer(mine))).json()["data"]["ticket"]
    stream = await _open(secure, "ws", ticket=ticket)
    assert (await ask(secure, "DELETE", "/session", headers=bearer(mine))).json()["data"] == {"connections": 1}
    assert await stream.end() == 4401
    with pytest.raises(Refusal):
        await _open(secure, "ws", ticket=ticket)


async def test_a_ticket_is_good_for_streams_alone(secure: ServerProcess) -> None:
    ticket = (await ask(secure, "POST", "/api/tickets", headers=bearer(token("tom")))).json()["data"]["ticket"]
    for method, path in (("GET", "/api/rooms"), ("POST", "/api/tickets"), ("DELETE", "/session"), ("GET", "/chat")):
        assert (await ask(secure, method, path, params={"ticket": ticket})).status_code == 401, path
    assert (await ask(secure, "GET", "/poll/rooms/1", params={"ticket": ticket})).status_code == 200


def test_whatever_was_made_from_a_token_ends_with_it(secure: ServerProcess) -> None:
    first = token("kim")
    made = [first]
    with httpx.Client(base_url=secure.url, headers={"Origin": secure.url}) as client:
        while len(made) < 10:
            entered = client.post("/session", data={"token": made[-1]})
            if entered.status_code != 303:
                break
            made.append(entered.cookies["envivo_token"])
            client.cookies.clear()
        assert len(made) > 2
        assert (entered.status_code, "Set-Cookie" in entered.headers) == (401, False)
        assert client.delete("/session", headers=bearer(first)).status_code == 200
        assert {client.get("/api/rooms", headers=bearer(one)).status_code for one in made} == {401}


def test_nobody_signs_in_without_end(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(**SETTINGS)
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}) as client:

        def sign_in(user: str) -> httpx.Response:
            return client.post("/session", data={"token": token(user)}, headers={"Accept": "application/json"})

        assert {sign_in("lou").status_code for _ in range(limits.SIGN_INS)} == {303}
        told = [sign_in("lou") for _ in range(limits.SIGN_INS)]  # on a slow machine some more may come meanwhile
        refused = [one for one in told if one.status_code == 429]
        assert len(refused) > limits.SIGN_INS / 2
        assert 1 <= int(refused[-1].headers["Retry-After"]) <= 1 / limits.SIGN_INS_RATE
        assert sign_in("max").status_code == 303


def test_a_token_of_the_key_before_is_good_until_that_key_goes(secure: ServerProcess) -> None:
    assert httpx.get(f"{secure.url}/api/rooms", headers=bearer(token("ana", key=OLD_KEY))).status_code == 200
    assert httpx.get(f"{secure.url}/api/rooms", headers=bearer(token("ana", key=KEY[::-1]))).status_code == 401


def test_in_open_mode_there_is_no_session_to_end(server: ServerProcess) -> None:
    for answer in (httpx.delete(f"{server.url}/session"), httpx.post(f"{server.url}/api/tickets")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "open_mode")
    who = httpx.get(f"{server.url}/api/session", params={"username": "Ana"}).json()["data"]
    assert (who["username"], who["access"], who["expires_at"], who["topics"]) == ("Ana", "open", None, None)


def test_a_ticket_that_has_expired_opens_nothing(monkeypatch: pytest.MonkeyPatch, secure: ServerProcess) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000_000_000.0)
    old = issue_ticket(DOOR, Identity("7", "Ana", expires_at=2_000_000_000))
    monkeypatch.undo()
    assert httpx.get(f"{secure.url}/poll/rooms/1", params={"ticket": old}).status_code == 401
