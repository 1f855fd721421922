"""Doors over REST: what administrators may open and close, and in which words the others are told."""

import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity, TopicRights
from tests.running import ServerProcess

NEW: dict[str, Any] = {"name": "class", "host": "127.0.0.1", "port": 0}
SECURE: dict[str, Any] = {"access": "secure", "secret_key": "a key of these tests that is long enough"}


@pytest.fixture
async def clean(rest: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an administrator, whose doors are closed in the end."""
    yield rest
    for one in (await rest.get("/api/doors")).json()["data"]:
        if not one["first"]:
            assert (await rest.delete(f"/api/doors/{one['name']}")).status_code == 200


async def test_a_door_is_listed_as_it_was_opened(clean: httpx.AsyncClient) -> None:
    rules = {"hosts": ["Class.local"], "topics": ["log/class/*"], "paths": ["/ws", "/sse"]}
    opened = (await clean.post("/api/doors", json={**NEW, "host": "localhost", **rules})).json()["data"]
    front, listed = (await clean.get("/api/doors")).json()["data"]
    assert listed == opened
    assert (front["name"], front["first"], front["yours"], front["access"]) == ("front", True, True, "open")
    assert (listed["name"], listed["first"], listed["yours"], listed["access"]) == ("class", False, False, "secure")
    assert {name: listed[name] for name in rules} == {**rules, "hosts": ["class.local"]}
    assert any(listed["address"] == f"http://{place}" for place in listed["listens_at"])
    assert "key" not in listed


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "Class"}, "name"),
        ({"name": "x" * 33}, "name"),
        ({"host": "school.example"}, "host"),
        ({"host": "999.1.1.1"}, "host"),
        ({"host": "fe80::1%eth0"}, "host"),
        ({"port": 65_536}, "port"),
        ({"port": -1}, "port"),
        ({"access": "private"}, "access"),
        ({"host": "0.0.0.0", "access": "open"}, "access"),
        ({"hosts": ["http://a"]}, "hosts[0]"),
        ({"topics": ["log/*/x"]}, "topics"),
        ({"paths": ["ws"]}, "paths[0]"),
        ({"key": "k" * 40}, "key"),
    ],
)
async def test_what_is_no_door_is_told_by_its_field(rest: httpx.AsyncClient, wrong: dict[str, Any], field: str) -> None:
    answer = await rest.post("/api/doors", json={**NEW, **wrong})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


async def test_where_nobody_can_listen_is_told(clean: httpx.AsyncClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = await clean.post("/api/doors", json={**NEW, "port": port})
    assert answer.status_code == 409
    said = f"port {port} is taken at 127.0.0.1; another may be free"
    assert answer.json()["error"] == {"code": "port_taken", "message": said, "fields": {"port": said}}
    answer = await clean.post("/api/doors", json={**NEW, "host": "198.51.100.7"})
    assert answer.status_code == 400
    said = "198.51.100.7 is not an address of this machine"
    assert answer.json()["error"] == {"code": "no_such_address", "message": said, "fields": {"host": said}}
    for name in ("front", "class"):
        first = await clean.post("/api/doors", json={**NEW, "name": name})
        assert first.status_code == (409 if name == "front" else 201)
    answer = await clean.post("/api/doors", json=NEW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "door_exists")
    assert len((await clean.get("/api/doors")).json()["data"]) == 2


async def test_the_door_that_one_came_in_by_stays_and_so_does_the_first(clean: httpx.AsyncClient) -> None:
    url = (await clean.post("/api/doors", json=NEW)).json()["data"]["address"]
    made = await clean.post("/api/doors/class/tokens", json={"user_id": "1", "role": "admin"})
    token = made.json()["data"]["token"]
    assert made.json()["data"]["address"] == f"{url}/?token={token}"
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as inside:
        for name, code in (("class", "own_door"), ("front", "first_door")):
            answer = await inside.delete(f"/api/doors/{name}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)
    for name, status, code in (("front", 409, "first_door"), ("none", 404, "door_not_found")):
        answer = await clean.delete(f"/api/doors/{name}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_a_token_is_made_for_a_door_that_asks_for_one(clean: httpx.AsyncClient) -> None:
    answer = await clean.post("/api/doors/front/tokens", json={"user_id": "7"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "open_mode")
    answer = await clean.post("/api/doors/none/tokens", json={"user_id": "7"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "door_not_found")
    url = (await clean.post("/api/doors", json=NEW)).json()["data"]["address"]
    for wrong, field in (({"user_id": "\u202e"}, "user_id"), ({"user_id": "7", "lifetime": 1}, "lifetime")):
        answer = await clean.post("/api/doors/class/tokens", json=wrong)
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])
    answer = await clean.post("/api/doors/class/tokens", json={"user_id": "7", "username": "Ana", "lifetime": 3600})
    token = answer.json()["data"]["token"]
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as inside:
        who = (await inside.get("/api/session")).json()["data"]
        assert (who["user_id"], who["username"], who["role"], who["door"]) == (7, "Ana", "user", "class")


async def test_only_administrators_whose_hands_are_free_open_doors(make_server: Any) -> None:
    server: ServerProcess = make_server(**SECURE)

    def client(role: str, *topics: str) -> httpx.AsyncClient:
        identity = Identity("7", "Ana", role, rights=(TopicRights(topics, topics),) if topics else ())
        token = issue_token(load_settings(**SECURE).front, identity, timedelta(hours=1))
        return httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"})

    async with client("operator") as somebody, client("admin", "log/class/*") as bound, client("admin") as admin:
        assert (await somebody.get("/api/doors")).status_code == 403
        assert (await bound.get("/api/doors")).status_code == 200
        for one in (somebody, bound):
            assert (await one.post("/api/doors", json=NEW)).status_code == 403
            assert (await one.post("/api/doors/front/tokens", json={"user_id": "7"})).status_code == 403
            assert (await one.delete("/api/doors/class")).status_code == 403
        assert (await admin.post("/api/doors", json=NEW)).status_code == 201
        assert (await admin.post("/api/doors/class/tokens", json={"user_id": "7"})).status_code == 201
        answer = await admin.post("/api/doors/front/tokens", json={"user_id": "7"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "start_door")
        assert [one["invites"] for one in (await admin.get("/api/doors")).json()["data"]] == [False, True]
        async with httpx.AsyncClient(base_url=server.url) as nobody:
            assert (await nobody.get("/api/doors")).status_code == 401
