"""Nobody publishes what a function of the server should have published, and nobody in another's name."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from quart_app.client import connect
from tests.domains.chat.people import Person
from tests.running import ServerProcess, eventually
from tests.secure import SECURE, bearer, token

ANA = token(name="Ana")

SOURCE = """
from quart_app.functions import Refused, command, feed, on, publish

@feed("live/price", every=0.05)
async def price():
    return {"value": 10}

@feed("state/level", every=0.05)
def level():
    return 1

@feed("live/shared", every=0.05, open=True)
async def shared():
    return {"value": 1}

@command("log/orders")
async def order(body, who):
    if who.role != "admin":
        raise Refused("forbidden", "only admins order", status=403)
    await publish("log/orders", {"what": body["data"]}, type="ordered")
    return "accepted"

@command("log/wishes", open=True)
async def wish(body, who):
    return "heard"

@feed("log/mixed", every=3600, open=True)
async def mixed():
    return None

@command("log/mixed")
async def mix(body, who):
    return "mixed"

@on("log/wishes")
async def echo(message):
    publish("live/echoes", message["data"])
"""
CLOSED = ("live/price", "state/level", "log/orders", "log/mixed")
FED = ("live/price", "state/level")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("functions")
    (folder / "my_feeds.py").write_text(SOURCE, "utf-8")
    server = ServerProcess(folder, "--functions", "my_feeds.py", **SECURE)
    yield server.start()
    server.check_clean_end()


@pytest.fixture
async def ana(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    headers = bearer(ANA)
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20) as client:
        yield client


async def publish(ana: httpx.AsyncClient, topic: str, type: str = "n", **body: Any) -> int:
    return (await ana.post("/api/publish", json={"topic": topic, "type": type, **body})).status_code


async def reply_to(ana: httpx.AsyncClient, topic: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a message by `/send` is answered with."""
    (reply,) = (await ana.post(f"/send/{topic}", json=body)).json()["messages"]
    assert isinstance(reply, dict)
    return reply


async def logged(ana: httpx.AsyncClient, topic: str) -> list[dict[str, Any]]:
    return list((await ana.get("/api/log", params={"topic": topic})).json()["data"])


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


@pytest.mark.parametrize("topic", CLOSED)
@pytest.mark.parametrize("role", ["user", "admin"])
@pytest.mark.parametrize("key", [None, "k"])
def test_rest_publishes_nothing_where_functions_do(
    server: ServerProcess, topic: str, role: str, key: str | None
) -> None:
    headers = bearer(token(role=role)) | ({"Idempotency-Key": key} if key else {})
    forged = {"topic": topic, "type": "ordered", "data": {"value": 0}}
    with httpx.Client(base_url=server.url, headers=headers) as client:
        for body in (forged, [forged], [{"topic": "log/beside", "type": "n"}, forged]):
            refused = client.post("/api/publish", json=body)
            assert (refused.status_code, code_of(refused)) == (403, "topic_closed"), refused.text
        assert client.get("/api/log", params={"topic": "log/beside"}).json()["data"] == [], "a list is refused whole"


@pytest.mark.parametrize("topic", FED)
@pytest.mark.parametrize("key", [None, "k"])
async def test_no_stream_and_no_send_publishes_where_feeds_do(
    server: ServerProcess, ana: httpx.AsyncClient, topic: str, key: str | None
) -> None:
    forged = {"data": {"value": 0}} | ({"key": key} if key else {})
    reply = await reply_to(ana, topic, {"type": "price", **forged})
    assert (reply["type"], reply["data"]["code"]) == ("error", "topic_closed")
    async with Person(server.url, f"/{topic}", token=ANA) as follower:
        await follower.say("price", **forged)
        refused = await follower.hear("error")
        assert (refused["data"]["code"], refused.get("key")) == ("topic_closed", key)
        values = [(await follower.hear(topic.partition("/")[2]))["data"] for _ in range(3)]
        assert values == [{"value": 10} if topic == "live/price" else 1] * 3
        assert "by" not in follower.heard[-1], "what the program publishes has no author"


async def test_a_command_cannot_be_gone_past(server: ServerProcess, ana: httpx.AsyncClient) -> None:
    reply = await reply_to(ana, "log/orders", {"type": "ordered", "data": "forged"})
    assert (reply["type"], reply["data"]["message"]) == ("error", "only admins order")
    async with Person(server.url, "/log/orders", token=ANA) as follower:
        await follower.say("ordered", data="forged", by={"user_id": 1, "username": "root"})
        assert (await follower.hear("error"))["data"]["message"] == "only admins order"
    assert await logged(ana, "log/orders") == []
    async with Person(server.url, "/log/orders", token=token(role="admin")) as boss:
        await boss.say("order", data="pan")
        assert (await boss.hear("order"))["data"] == "accepted"
    (ordered,) = await logged(ana, "log/orders")
    assert (ordered["data"], "by" in ordered) == ({"what": "pan"}, False)


async def test_an_author_may_open_a_topic_and_then_it_is_seen_who_published(
    server: ServerProcess, ana: httpx.AsyncClient
) -> None:
    async with Person(server.url, "/live/shared", token=token("8", name="Eva")) as follower:
        assert "by" not in await follower.hear("shared")
        assert await publish(ana, "live/shared", "said") == 202
        assert (await follower.hear("said"))["by"] == {"user_id": 7, "username": "Ana"}
        await follower.say("said", data=2)
        assert (await follower.hear("said"))["by"] == {"user_id": 8, "username": "Eva"}
    assert await publish(ana, "log/wishes", "wished", data="pan") == 202
    reply = await reply_to(ana, "log/wishes", {"type": "wish"})
    assert (reply["type"], reply["data"]) == ("wish", "heard"), "what is sent still goes to the function"
    (wished,) = await logged(ana, "log/wishes")
    assert wished["by"] == {"user_id": 7, "username": "Ana"}


async def test_what_functions_only_hear_or_publish_into_stays_open(ana: httpx.AsyncClient) -> None:
    assert [await publish(ana, topic) for topic in ("live/echoes", "log/wishes", "state/other")] == [202] * 3


async def test_a_file_that_is_read_again_opens_and_closes(server: ServerProcess, ana: httpx.AsyncClient) -> None:
    file = server.folder / "my_feeds.py"

    async def status_is(topic: str, status: int) -> bool:
        return await publish(ana, topic) == status

    commanded = '@command("log/gone")\nasync def gone(body, who):\n    return 1\n'
    fed = '@feed("live/gone")\nasync def gone_too():\n    return 1\n'
    assert await status_is("log/gone", 202)
    assert await status_is("live/gone", 202)
    try:
        file.write_text(SOURCE + commanded + fed, "utf-8")
        await eventually(lambda: status_is("log/gone", 403))
        assert await status_is("live/gone", 403)
        # The two change places: either stays closed.
        exchanged = commanded.replace("log/gone", "live/gone") + fed.replace("live/gone", "log/gone")
        file.write_text(SOURCE + exchanged, "utf-8")
        await eventually(lambda: "command live/gone is " in server.log())
        assert await status_is("log/gone", 403)
        assert await status_is("live/gone", 403)
        assert (await reply_to(ana, "live/gone", {"type": "go"}))["type"] == "gone"
        assert (await reply_to(ana, "log/gone", {"type": "go"}))["data"]["code"] == "topic_closed"
    finally:
        file.write_text(SOURCE, "utf-8")
    await eventually(lambda: status_is("log/gone", 202))
    assert await status_is("live/gone", 202)
    assert await status_is("live/price", 403)


FORGED_BY = {"user_id": 1, "username": "root"}


@pytest.mark.parametrize("topic", ["log/a", "state/a", "live/a"])
async def test_nobody_says_who_they_are_themselves(server: ServerProcess, ana: httpx.AsyncClient, topic: str) -> None:
    refused = await ana.post("/api/publish", json={"topic": topic, "type": "said", "by": FORGED_BY})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["by"])
    reply = await reply_to(ana, topic, {"type": "said", "by": FORGED_BY})
    assert (reply["type"], list(reply["data"]["fields"])) == ("error", ["by"])
    eva = token("8", name="Eva")
    # In secure mode the token says who it is, whatever stands beside it.
    async with Person(server.url, f"/{topic}", token=eva, user_id="1", username="root") as follower:
        await follower.say("said", by=FORGED_BY)
        assert list((await follower.hear("error"))["data"]["fields"]) == ["by"]
        await follower.say("said", data={"by": FORGED_BY})
        said = await follower.hear("said")
        assert (said["by"], said["data"]) == ({"user_id": 8, "username": "Eva"}, {"by": FORGED_BY})
        asked = {"user_id": "1", "username": "root"}
        told = await ana.post("/api/publish", params=asked, json={"topic": topic, "type": "told"})
        assert told.status_code == 202
        assert (await follower.hear("told"))["by"] == {"user_id": 7, "username": "Ana"}
    if topic == "log/a":
        assert [event["by"]["username"] for event in await logged(ana, topic)] == ["Eva", "Ana"]


async def test_a_client_gets_the_author_beside_what_was_said(server: ServerProcess) -> None:
    async with connect(server.url, ["log/client"], params={"token": ANA}) as live:
        await live.send("log/client", {"type": "said", "data": 5})
        async for message in live:
            if message["type"] == "said":
                assert (message["data"], message["by"]) == (5, {"user_id": 7, "username": "Ana"})
                break


def test_in_open_mode_the_author_is_who_they_say(make_server: Any) -> None:
    with httpx.Client(base_url=make_server().url) as rest:
        rest.post("/api/publish", params={"user_id": 3, "username": "Rosa"}, json={"topic": "log/a", "type": "n"})
        rest.post("/api/publish", json={"topic": "log/a", "type": "n"})
        named, guest = rest.get("/api/log", params={"topic": "log/a"}).json()["data"]
    assert named["by"] == {"user_id": 3, "username": "Rosa"}
    assert guest["by"]["username"].startswith("guest-")
