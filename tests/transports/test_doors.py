"""Two doors of one server: the open one of this machine, and one for a class, which has less behind it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from quart_app.doors import read_door
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity, TopicRights
from quart_app.resources import resource
from tests.running import ServerProcess
from tests.transports.drivers import PollStream, Refusal, SseStream, Stream, WebsocketStream

KEY = "a key for the class alone that is long enough"
PATHS = "/ws+/sse+/poll+/send+/api/publish+/api/log+/api/topics+/api/session+/session"
DOOR = f"class=127.0.0.1:0,secure,key={KEY},hosts=class.local+127.0.0.1,topics=log/class/*+rooms/1,paths={PATHS}"
STREAMS: dict[str, type[Stream]] = {"ws": WebsocketStream, "sse": SseStream, "poll": PollStream}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    started = ServerProcess(tmp_path_factory.mktemp("doors"), "--door", DOOR, empty=0).start()
    yield started
    started.check_clean_end()


@pytest.fixture(scope="module")
def inside(server: ServerProcess) -> str:
    """The address of the door of the class."""
    found = re.search(r"^En Vivo \(class\): (http://\S+)$", server.log(), re.MULTILINE)
    assert found is not None
    return found[1]


def token(user: str = "7", **rights: Any) -> str:
    identity = Identity(user, "Ana", "admin", rights=(TopicRights(**rights),) if rights else ())
    return issue_token(read_door(DOOR), identity, timedelta(hours=1))


async def _open(url: str, transport: str, topic: str, bearer: str | None) -> Stream:
    headers = {"headers": {"Authorization": f"Bearer {bearer}"}} if bearer else {}
    stream = STREAMS[transport](url, None, (topic,), dict(headers))
    await stream.open()
    return stream


def test_behind_the_door_of_the_class_is_what_it_names(server: ServerProcess, inside: str) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {token()}"}) as client:
        for path in ("/", "/chat", "/api/rooms", "/health", "/admin", "/docs", "/socket.io/?EIO=4&transport=polling"):
            assert client.get(f"{inside}{path}").status_code == 404, path
            assert client.get(f"{server.url}{path}").status_code == 200, path
        assert client.get(f"{inside}/api/session").json()["data"]["door"] == "class"
        assert client.get(f"{inside}/wsx").status_code == 404
        assert client.get(f"{inside}//api/rooms").status_code == 404


def test_a_browser_is_led_to_where_the_door_begins(inside: str) -> None:
    page = {"Accept": "text/html,*/*"}
    led = httpx.get(inside, headers=page)
    assert (led.status_code, led.headers["Location"]) == (303, "/ws")
    assert httpx.post(inside, headers=page).status_code == 404
    assert httpx.get(f"{inside}/chat", headers=page).status_code == 404


@pytest.mark.parametrize(("host", "status"), [("class.local", 200), ("127.0.0.1", 200), ("evil.example", 421)])
def test_it_answers_under_its_own_names(inside: str, host: str, status: int) -> None:
    headers = {"Host": host, "Authorization": f"Bearer {token()}"}
    answer = httpx.get(f"{inside}/api/session", headers=headers)
    assert answer.status_code == status
    if status == 421:
        assert "class.local" in answer.json()["error"]["message"]


@pytest.mark.parametrize("language", ["en", "es"])
def test_so_does_the_door_of_the_guides_class(language: str) -> None:
    page = resource(f"guide/{language}/23-secure.md").read_text("utf-8")
    found = re.search(r"^ENVIVO_DOOR=(.+)$", page, re.MULTILINE)
    assert found is not None
    door = read_door(found[1])
    assert (door.secure, door.hosts, door.shows("/api/topics/log/class/1")) == (True, (door.host,), True)


@pytest.mark.parametrize("transport", list(STREAMS))
async def test_who_comes_in_has_a_token_of_the_door(server: ServerProcess, inside: str, transport: str) -> None:
    with pytest.raises(Refusal) as refused:
        await _open(inside, transport, "rooms/1", None)
    assert refused.value.code == "unauthorized"
    stream = await _open(inside, transport, "rooms/1", token())
    await stream.drop()
    outside = await _open(server.url, transport, "rooms/2", None)
    await outside.drop()


@pytest.mark.parametrize("transport", list(STREAMS))
@pytest.mark.parametrize("topic", ["rooms/2", "log/other", "products", "operations"])
async def test_even_an_administrator_sees_the_topics_of_the_door_alone(inside: str, transport: str, topic: str) -> None:
    with pytest.raises(Refusal) as refused:
        await _open(inside, transport, topic, token())
    assert refused.value.code == "forbidden"


async def test_what_is_asked_later_is_held_to_it_too(inside: str) -> None:
    headers = {"Authorization": f"Bearer {token()}"}
    stream = await _open(inside, "ws", "log/class/a", token())
    assert (await stream.say({"type": "subscribe", "topic": "log/class/b"}))["type"] == "connected"
    refused = await stream.say({"type": "subscribe", "topic": "rooms/2"})
    assert refused["data"]["code"] == "forbidden"
    await stream.drop()
    async with httpx.AsyncClient(base_url=inside, headers=headers) as client:
        assert (await client.post("/api/publish", json={"topic": "log/class/a", "type": "n"})).status_code == 202
        assert (await client.post("/api/publish", json={"topic": "log/other", "type": "n"})).status_code == 403
        both = [{"topic": topic, "type": "n"} for topic in ("log/class/a", "live/other")]
        assert (await client.post("/api/publish", json=both)).status_code == 403
        assert (await client.post("/send/log/other", json={"type": "n"})).status_code == 403
        assert (await client.get("/api/log", params={"topic": ["log/class/a", "rooms/2"]})).status_code == 403
        assert (await client.get("/api/log", params={"topic": "log/class/a"})).status_code == 200
        listed = {one["topic"] for one in (await client.get("/api/topics")).json()["data"]}
        assert "log/class/a" in listed
        assert all(topic.startswith("log/class/") or topic == "rooms/1" for topic in listed)


@pytest.mark.parametrize("transport", list(STREAMS))
async def test_a_token_for_some_topics_is_good_for_these(inside: str, transport: str) -> None:
    mine = token(subscribe=("log/class/*",), publish=("log/class/3",))
    stream = await _open(inside, transport, "log/class/4", mine)
    refused = await stream.say({"type": "n", "data": 1})
    assert refused["data"]["code"] == "forbidden"
    await stream.drop()
    stream = await _open(inside, transport, "log/class/3", mine)
    assert (await stream.say({"type": "n", "data": 1}))["type"] == "published"
    await stream.drop()
    with pytest.raises(Refusal):
        await _open(inside, transport, "rooms/1", mine)


async def test_a_connection_is_known_at_its_own_door(server: ServerProcess, inside: str) -> None:
    outside = await _open(server.url, "sse", "rooms/2", None)
    async with httpx.AsyncClient(base_url=inside, headers={"Authorization": f"Bearer {token()}"}) as client:
        headers = {"X-Connection-Id": outside.welcome["connection_id"]}
        answer = await client.post("/send/rooms/2", json={"type": "message", "content": "x"}, headers=headers)
        assert answer.status_code == 403
    await outside.drop()


def test_each_door_has_its_own_address(server: ServerProcess, inside: str) -> None:
    assert server.url != inside
    assert httpx.get(f"{server.url}/api/session").json()["data"]["access"] == "open"
