"""Functions of one's own in a real server, met by the `websockets` library."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.domains.chat.people import Person
from tests.functions.conftest import Serve
from tests.running import ServerProcess, eventually

KEY = "a key for tests, which nobody is to guess"
START = "import asyncio, itertools, time\nfrom quart_app.functions import Refused, command, feed, on, publish\n"
SOURCE = (
    START
    + """
heard, done = [], []

@feed("live/numbers", every=0.05)
def numbers():
    return len(heard)

@feed("live/words", type="word")
async def words():
    for word in ("uno", "dos", "tres"):
        yield {"word": word}
        await asyncio.sleep(0)

@feed("live/pairs")
def pairs():
    yield from ("a", "b")

@feed("state/clock", every=0.05)
async def clock():
    return {"at": time.time()}

@feed("live/broken", every=0.05)
async def broken():
    return 1 / 0

@feed("live/slow", every=2)
async def slow():
    time.sleep(0.2)
    return True

@feed("live/other", every=0.05)
async def other():
    return True

@on("rooms/1", type="message")
async def shout(message):
    publish("live/shouts", {"text": message["data"]["content"].upper()})

@on("rooms/1", type="message")
def keep(message):
    publish("log/kept", message["data"]["content"]).result(5)

@on("log/again")
async def again(message):
    publish("log/again", message["data"] + 1)

@on("live/again")
def once_more(message):
    publish("live/again", message["data"] + 1)

@on("log/shaky")
async def shaky(message):
    heard.append(message["data"])
    if heard.count(message["data"]) < 3 or message["data"] == "never":
        raise KeyError("not yet")
    publish("log/steady", message["data"])

@command("log/orders")
async def order(body, who):
    if not body.get("data"):
        raise ValueError("an order needs data")
    if body["data"] == "much":
        raise Refused("too_much", "that is too much", fields={"data": "less"})
    if body["data"] == "bad":
        return body["nothing"]
    done.append(body["data"])
    cursor = await publish("log/orders", {"by": who.username, "what": body["data"]}, type="ordered")
    return {"count": done.count(body["data"]), "cursor": cursor}

@command("live/flood")
async def flood(body, who):
    for n in itertools.count():
        publish("live/flooded", n)

@command("live/wrong")
def wrong(body, who):
    return eval(body["data"])
"""
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("functions")
    (folder / "my_feeds.py").write_text(SOURCE, "utf-8")
    server = ServerProcess(folder, "--functions", "my_feeds.py")
    yield server.start()
    server.check_clean_end()


def ana(server: ServerProcess, topic: str, **query: Any) -> Person:
    return Person(server.url, f"/{topic}", username="Ana", **query)


async def state_of(server: ServerProcess, name: str) -> dict[str, Any]:
    """How a function is doing, as the topic `functions` tells a newcomer."""
    async with ana(server, "functions") as watcher:
        told = await watcher.hear("functions")
    return next(one for one in told["data"]["functions"] if one["name"] == name)


async def test_what_a_feed_returns_or_yields_is_published(server: ServerProcess) -> None:
    async with ana(server, "live/numbers") as listener:
        assert isinstance((await listener.hear("numbers"))["data"], int)
        await listener.hear("numbers")
    async with ana(server, "live/words") as listener:
        words = [(await listener.hear("word"))["data"]["word"] for _ in range(4)]
        assert words == ["uno", "dos", "tres", "uno"]
    async with ana(server, "live/pairs") as listener:
        assert [(await listener.hear("pairs"))["data"] for _ in range(3)] == ["a", "b", "a"]
    async with ana(server, "state/clock") as listener:
        first, second = [(await listener.hear("clock"))["data"]["at"] for _ in range(2)]
        assert first < second


async def test_a_reaction_hears_a_topic_of_another_domain(server: ServerProcess) -> None:
    async with ana(server, "live/shouts") as ears, ana(server, "log/kept") as keeper, ana(server, "rooms/1") as speaker:
        await speaker.say("typing", is_typing=True)
        await speaker.say("message", content="hola")
        assert (await ears.hear("shout"))["data"] == {"text": "HOLA"}
        kept = await keeper.hear("keep")
        assert kept["data"] == "hola"
        assert kept["id"]


async def test_a_command_answers_and_publishes_and_is_carried_out_once_per_key(server: ServerProcess) -> None:
    async with ana(server, "log/orders") as buyer:
        await buyer.say("order", data="pan", key="k1")
        answer = await buyer.hear("order")
        assert (answer["key"], answer["data"]["count"]) == ("k1", 1)
        ordered = next((one for one in buyer.heard if one["type"] == "ordered"), None) or await buyer.hear("ordered")
        assert ordered["data"] == {"by": "Ana", "what": "pan"}
        assert ordered["id"] == answer["data"]["cursor"]
        await buyer.say("order", data="pan", key="k1")
        assert (await buyer.hear("order"))["data"] == answer["data"]
        await buyer.say("order", data="sal", key="k1")
        assert (await buyer.hear("error"))["data"]["code"] == "key_reused"
        await buyer.say("order", data="pan", key="k2")
        assert (await buyer.hear("order"))["data"]["count"] == 2


async def test_what_a_command_refuses_is_an_error_to_who_sent_it(server: ServerProcess) -> None:
    async with ana(server, "log/orders") as buyer:
        await buyer.say("order", key="a")
        refused = await buyer.hear("error")
        assert (refused["key"], refused["data"]) == ("a", {"message": "an order needs data", "code": "refused"})
        await buyer.say("order", data="much")
        assert (await buyer.hear("error"))["data"]["fields"] == {"data": "less"}
        await buyer.say("order", data="bad")
        failed = (await buyer.hear("error"))["data"]
        assert failed["code"] == "function_failed"
        assert re.fullmatch(r"order \(my_feeds\.py:\d+\): KeyError: 'nothing'", failed["message"])
        await buyer.say("order", data="bien")
        assert (await buyer.hear("order"))["data"]["count"] == 1
    body = {"type": "order", "data": "por sondeo"}
    async with httpx.AsyncClient(base_url=server.url) as rest:
        (reply,) = (await rest.post("/send/log/orders", json=body)).json()["messages"]
    assert (reply["type"], reply["data"]["count"]) == ("order", 1)


async def test_a_failing_feed_is_logged_with_its_line_and_tried_again_and_harms_nobody(server: ServerProcess) -> None:
    async with ana(server, "live/broken") as _, ana(server, "live/other") as other:
        state = await eventually(lambda: _failing(server, "broken"))
        line = SOURCE[: SOURCE.index("1 / 0")].count("\n") + 1
        assert state["error"] == f"broken (my_feeds.py:{line}): ZeroDivisionError: division by zero"
        assert f"feed live/broken failed: {state['error']}" in server.log()
        await other.hear("other")
    assert (await state_of(server, "other"))["error"] is None


async def _failing(server: ServerProcess, name: str) -> dict[str, Any] | None:
    state = await state_of(server, name)
    return state if state["error"] else None


async def test_a_function_that_holds_everybody_up_is_named(server: ServerProcess) -> None:
    async with ana(server, "live/slow") as listener:
        await listener.hear("slow")
    assert re.search(r"slow \(my_feeds\.py:\d+\) held everybody up for \d{3} ms", server.log())


@pytest.mark.parametrize(("topic", "type"), [("log/again", "again"), ("live/again", "once_more")])
async def test_reactions_that_hear_themselves_come_to_an_end(server: ServerProcess, topic: str, type: str) -> None:
    async with ana(server, topic) as listener:
        await listener.say("begin", data=0)
        assert [(await listener.hear(type))["data"] for _ in range(7)] == list(range(1, 8))
        state = await eventually(lambda: _failing(server, type))
        assert "does this one hear itself?" in state["error"]
        assert [one["data"] for one in listener.heard if one["type"] == type] == list(range(1, 8))


async def test_a_reaction_that_fails_gets_the_message_again_and_then_leaves_it(server: ServerProcess) -> None:
    async with ana(server, "log/steady") as listener, ana(server, "log/shaky") as speaker:
        await speaker.say("try", data="never")
        await speaker.say("try", data="later")
        assert (await listener.hear("shaky"))["data"] == "later"
    assert (await state_of(server, "shaky"))["error"] is None
    assert "shaky" in server.log()


async def test_how_much_one_function_publishes_is_bounded(server: ServerProcess) -> None:
    async with ana(server, "live/flood") as speaker:
        await speaker.say("go")
        said = (await speaker.hear("error"))["data"]["message"]
        assert said.endswith("RuntimeError: it publishes more than 100 messages a second")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("'x' * 70000", "a message has at most 65536"),
        ("object()", "TypeError"),
        ("publish('rooms/1', 1)", "'rooms/1' is not live/…, state/… or log/…"),
        ("publish('live/x', 1, type='bye')", "type 'bye'"),
    ],
)
async def test_what_no_message_can_be_is_refused(server: ServerProcess, expression: str, said: str) -> None:
    async with ana(server, "live/wrong") as speaker:
        await speaker.say("go", data=expression)
        assert said in (await speaker.hear("error"))["data"]["message"]


async def test_the_file_is_read_again_while_everybody_stays(serve: Serve) -> None:
    feed = START + "@feed('live/a', every=0.05)\ndef a():\n    return {}\n"
    hear = "@on('log/in')\ndef hear(m):\n    publish('log/out', {})\n"
    order = "@command('log/orders')\ndef order(body, who):\n    return {}\n"
    server, file = serve(feed.format(1) + hear.format("m['data']") + order.format(1))
    async with ana(server, "live/a") as listener, ana(server, "log/out") as out, ana(server, "log/in") as speaker:
        assert (await listener.hear("a"))["data"] == 1
        file.write_text(feed.format("(:"), "utf-8")
        await eventually(lambda: "those of before stay" in server.log())
        async with ana(server, "functions") as watcher:
            assert re.search(r"my_feeds\.py, line 5: ", (await watcher.hear("functions"))["data"]["error"])
        await listener.hear("a", lambda message: message["data"] == 1)
        await speaker.say("n", data=5)
        assert (await out.hear("hear"))["data"] == 5

        file.write_text(
            feed.format(2) + hear.format("-m['data']") + feed.replace("live/a", "live/b").format(3), "utf-8"
        )
        await listener.hear("a", lambda message: message["data"] == 2)
        await speaker.say("n", data=6)
        assert (await out.hear("hear"))["data"] == -6
        async with ana(server, "log/orders") as buyer, ana(server, "live/b") as new:
            await buyer.say("order", data=1)
            assert (await buyer.hear("published"))["id"]
            assert (await new.hear("a"))["data"] == 3
        assert listener.types().count("connected") == 1


async def test_a_command_that_is_read_again_knows_what_it_has_answered(serve: Serve) -> None:
    source = START + "@command('log/orders')\ndef order(body, who):\n    return {}\n"
    server, file = serve(source.format("'old'"))
    async with ana(server, "log/orders") as buyer, ana(server, "functions") as watcher:
        await buyer.say("order", data=1, key="k")
        assert (await buyer.hear("order"))["data"] == "old"
        await watcher.hear("functions")
        file.write_text(source.format("'newer'"), "utf-8")
        await watcher.hear("functions")
        await buyer.say("order", data=1, key="k")
        assert (await buyer.hear("order"))["data"] == "old"
        await buyer.say("order", data=1, key="other")
        assert (await buyer.hear("order"))["data"] == "newer"


async def test_where_people_have_roles_what_goes_wrong_is_for_administrators(make_server: Any, tmp_path: Path) -> None:
    file = tmp_path / "my_feeds.py"
    file.write_text(START + "@command('log/orders')\ndef order(body, who):\n    return {who.role: 1 / body['data']}\n")
    server = make_server("--functions", str(file), access="secure", secret_key=KEY)
    settings = load_settings(access="secure", secret_key=KEY)
    tokens = {
        role: issue_token(settings.front, Identity("7", "Ana", role), timedelta(hours=1)) for role in ("user", "admin")
    }
    async with Person(server.url, "/log/orders", token=tokens["user"]) as buyer:
        await buyer.say("order", data=0)
        assert (await buyer.hear("error"))["data"] == {"message": "order failed", "code": "function_failed"}
        await buyer.say("order", data=1)
        assert (await buyer.hear("order"))["data"] == {"user": 1}
        await buyer.say("order", data=0)
        await buyer.hear("error")
    async with Person(server.url, "/functions", token=tokens["user"]) as stranger:
        assert (await stranger.hear("error"))["data"]["code"] == "forbidden"
    async with Person(server.url, "/functions", token=tokens["admin"]) as admin:
        assert "ZeroDivisionError" in (await admin.hear("functions"))["data"]["functions"][0]["error"]
    async with httpx.AsyncClient(base_url=server.url) as rest:
        assert (await rest.get("/topics/log/orders")).status_code == 401
        assert (await rest.get("/api/topics/functions", headers=_bearer(tokens["user"]))).status_code == 403
        for role, sees in (("user", "false"), ("admin", "true")):
            page = await rest.get("/topics/log/orders", headers=_bearer(tokens[role]))
            assert page.status_code == 200
            assert f'"functions": {sees}' in page.text


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_nothing_runs_for_nobody(serve: Serve, tmp_path: Path) -> None:
    source = (
        f"from pathlib import Path\n{START}@feed('live/a', every=0.02)\ndef a():\n"
        f"    Path({str(tmp_path / 'ran')!r}).touch()\n    return 1\n"
        "@feed('live/b', every=0.02)\ndef b():\n    return 1\n"
    )
    server, _ = serve(source)
    async with ana(server, "live/b") as other:
        for _ in range(5):
            await other.hear("b")
    assert not (tmp_path / "ran").exists()
    async with ana(server, "live/a") as listener:
        await listener.hear("a")
    assert (tmp_path / "ran").exists()


async def test_the_file_of_the_guide_does_what_it_says(serve: Serve) -> None:
    guide = Path(__file__).parents[2] / "quart_app" / "guide" / "en" / "07-functions.md"
    (source,) = re.findall(r"^```py\n(.*?)^```", guide.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    server, _ = serve(source)
    async with ana(server, "live/dice") as dice, ana(server, "live/shouts") as ears, ana(server, "log/orders") as buyer:
        assert 1 <= (await dice.hear("dice"))["data"]["value"] <= 6
        async with ana(server, "rooms/1") as speaker:
            await speaker.say("message", content="hola")
            assert (await ears.hear("shout"))["data"] == {"text": "HOLA"}
        await buyer.say("order", data="pan")
        assert (await buyer.hear("order"))["data"] == {"accepted": True}
        await buyer.say("order")
        assert (await buyer.hear("error"))["data"]["message"] == "an order needs data"


async def test_a_server_with_busy_functions_stops_in_order(serve: Serve) -> None:
    source = START + "@feed('live/a')\ndef a():\n    yield 1\n    time.sleep(60)\n"
    server, _ = serve(source + "@feed('live/b')\nasync def b():\n    yield 1\n    await asyncio.sleep(60)\n")
    async with ana(server, "live/a") as one, ana(server, "live/b") as two:
        await one.hear("a")
        await two.hear("b")
        assert await asyncio.to_thread(server.stop) == 0
