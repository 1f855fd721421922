from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from quart_app.config import Settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.domains.chat.people import Person, Room, page_data
from tests.running import ServerProcess

JSON = {"Content-Type": "application/json"}


def assert_refused(response: httpx.Response, status: int, code: str | None = None, field: str | None = None) -> None:
    body = response.json()
    assert response.status_code == status, body
    assert body["success"] is False
    assert body["error"]["message"]
    assert code is None or body["error"]["code"] == code
    assert field is None or field in body["error"]["fields"]


async def test_a_room_is_made_and_listed(rest: httpx.AsyncClient, room: Room) -> None:
    made = await rest.post("/api/rooms", json={"name": f"  Sala   {room.id} ", "description": " Para  probar "})
    assert made.status_code == 201
    data = made.json()["data"]
    assert made.json()["success"] is True
    assert (data["name"], data["description"], data["messages"]) == (f"Sala {room.id}", "Para probar", 0)
    await rest.post(f"/api/rooms/{data['id']}/messages", json={"content": "hola"})

    listed = (await rest.get("/api/rooms")).json()
    assert listed["success"] is True
    assert [one["id"] for one in listed["data"][:2]] == [1, 2]
    assert {**data, "messages": 1} in listed["data"]


async def test_a_name_is_taken_once(rest: httpx.AsyncClient, room: Room) -> None:
    name = f"Repetida {room.id}"
    assert (await rest.post("/api/rooms", json={"name": name})).status_code == 201
    assert_refused(await rest.post("/api/rooms", json={"name": f" {name} "}), 409, "name_taken", "name")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "x", "description": "y" * 201}, "description"),
        ({"name": "x", "description": ["y"]}, "description"),
        ({"name": "x", "owner": "me"}, "owner"),
        ([], None),
        ("x", None),
    ],
)
async def test_a_wrong_room_is_refused_by_its_field(rest: httpx.AsyncClient, body: Any, field: str | None) -> None:
    assert_refused(await rest.post("/api/rooms", json=body), 400, "bad_request", field)


async def test_a_message_is_posted_and_heard(rest: httpx.AsyncClient, room: Room) -> None:
    async with room.joined("Ana") as ana:
        posted = await rest.post(
            f"{room.path}/messages", params={"user_id": "9", "username": "Eva"}, json={"content": " por REST "}
        )
        assert posted.status_code == 201
        data = posted.json()["data"]
        assert await ana.hear_content("por REST") == data
        assert (data["user_id"], data["username"]) == (9, "Eva")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": ""}, "content"),
        ({"content": "x" * 4001}, "content"),
        ({"content": 1}, "content"),
        ({"content": "x", "username": "Eva"}, "username"),
        ([], None),
    ],
)
async def test_a_wrong_message_is_refused(rest: httpx.AsyncClient, room: Room, body: Any, field: str | None) -> None:
    assert_refused(await rest.post(f"{room.path}/messages", json=body), 400, "invalid_content", field)


@pytest.mark.parametrize("path", ["/api/rooms", "/api/rooms/1/messages"])
async def test_what_is_no_json_is_refused(rest: httpx.AsyncClient, path: str) -> None:
    assert_refused(await rest.post(path, content="{", headers=JSON), 400, "invalid_json")
    assert_refused(await rest.post(path, content=b"\xff", headers=JSON), 400, "invalid_json")
    assert_refused(await rest.post(path, content="[" * 100_000, headers=JSON), 400, "invalid_json")
    assert_refused(await rest.post(path, content="{}"), 415, "unsupported_media_type")
    assert_refused(await rest.post(path, content="{}", headers={"Content-Type": "text/plain"}), 415)
    assert_refused(await rest.post(path, data={"content": "x"}), 415)
    assert_refused(await rest.post(path, content=b'"' + b"x" * 300_000 + b'"', headers=JSON), 413)


@pytest.mark.parametrize(
    "number",
    ["999999", "0", "-1", "abc", "1.5", "01", "9223372036854775807", "9223372036854775808", "9" * 5000, "%00", "١"],
)
async def test_an_unknown_room_is_not_found(rest: httpx.AsyncClient, number: str) -> None:
    assert_refused(await rest.get(f"/api/rooms/{number}/messages"), 404, "room_not_found")
    assert_refused(await rest.get(f"/api/rooms/{number}/presence"), 404, "room_not_found")
    assert_refused(await rest.post(f"/api/rooms/{number}/messages", json={"content": "x"}), 404, "room_not_found")
    assert (await rest.get(f"/chat/{number}", headers={"Accept": "text/html"})).status_code == 404


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=", "before=0", "before=x", "before=1.5"]
)
async def test_a_wrong_page_is_refused_by_its_field(rest: httpx.AsyncClient, room: Room, query: str) -> None:
    assert_refused(await rest.get(f"{room.path}/messages?{query}"), 400, "bad_request", query.partition("=")[0])


async def test_a_page_beyond_every_id_is_the_last_one(rest: httpx.AsyncClient, room: Room) -> None:
    said = (await rest.post(f"{room.path}/messages", json={"content": "hola"})).json()["data"]
    page = await rest.get(f"{room.path}/messages?before=9223372036854775807&limit=200")
    assert page.json()["data"] == [said]


@pytest.mark.parametrize("key", ["", "x" * 129])
async def test_a_wrong_key_is_refused(rest: httpx.AsyncClient, room: Room, key: str) -> None:
    response = await rest.post(f"{room.path}/messages", json={"content": "x"}, headers={"Idempotency-Key": key})
    assert_refused(response, 400, "invalid_key")


async def test_the_pages_show_rooms_and_messages_escaped(rest: httpx.AsyncClient, room: Room) -> None:
    await rest.post(f"{room.path}/messages", json={"content": "<img src=x onerror=alert(1)>"})
    rooms = await rest.get("/chat")
    assert rooms.status_code == 200
    assert f'href="/chat/{room.id}"' in rooms.text
    cursor = (await rest.get(f"{room.path}/messages")).json()["cursor"]
    page = await rest.get(f"/chat/{room.id}")
    assert page.status_code == 200
    assert page_data(page.text)["cursor"] == cursor
    assert page_data(page.text)["room"]["id"] == room.id
    assert "<img src=x" not in page.text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text


async def test_the_page_knows_who_has_said_a_name_and_makes_up_none(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url) as visitor:
        assert page_data((await visitor.get("/chat/1")).text)["me"] is None
        named = await visitor.get("/chat/1", params={"user_id": "5", "username": "Ana"})
        assert page_data(named.text)["me"] == {"user_id": 5, "username": "Ana"}


async def test_in_secure_mode_a_token_is_needed_everywhere(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(access="secure", secret_key="x" * 40)
    async with httpx.AsyncClient(base_url=server.url) as stranger:
        for path in ("/api/rooms", "/api/rooms/1/messages", "/api/rooms/1/presence", "/ws/stats", "/sse/1", "/poll/1"):
            assert_refused(await stranger.get(path), 401, "unauthorized")
        assert_refused(await stranger.post("/api/rooms", json={"name": "x"}), 401)
        assert_refused(await stranger.post("/api/rooms/1/messages", json={"content": "x"}), 401)
        for path in ("/chat", "/chat/1"):
            assert (await stranger.get(path, headers={"Accept": "text/html"})).status_code == 401


async def test_in_secure_mode_the_token_says_who_speaks(make_server: Callable[..., ServerProcess]) -> None:
    settings = Settings(access="secure", secret_key="x" * 40)
    token = issue_token(settings.front, Identity("42", "Ana"), timedelta(minutes=1))
    server = make_server(access="secure", secret_key=settings.secret_key)
    headers = {"Authorization": f"Bearer {token}"}
    pretending = {"user_id": "1", "username": "Juan"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, params=pretending) as ana:
        posted = (await ana.post("/api/rooms/1/messages", json={"content": "soy yo"})).json()["data"]
        assert (posted["user_id"], posted["username"]) == (42, "Ana")
        page = page_data((await ana.get("/chat/1")).text)
        assert page["me"] == {"user_id": 42, "username": "Ana"}
        assert page["messages"] == [posted]
    async with Person(server.url, "/1", token=token, **pretending) as socket:
        connected = await socket.hear("connected")
        assert connected["data"]["active_users"] == [{"user_id": 42, "username": "Ana"}]
