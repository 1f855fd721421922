"""The wire contract, the same scenarios on every transport and both versions of HTTP, over real sockets."""

import asyncio
import re
import secrets

import pytest

from tests.transports.conftest import World
from tests.transports.drivers import STREAMS, Json, Refusal

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def name(prefix: str) -> str:
    """A topic that no other test knows."""
    return f"{prefix}/{secrets.token_hex(6)}"


def numbers(messages: list[Json], topic: str | None = None) -> list[int]:
    """The `n` of the messages of type `n`."""
    return [one["data"]["n"] for one in messages if one["type"] == "n" and topic in {None, one["topic"]}]


def counted(topic: str, first: int, last: int) -> list[Json]:
    return [{"topic": topic, "type": "n", "data": {"n": n}} for n in range(first, last + 1)]


async def test_the_first_message_is_the_welcome(world: World) -> None:
    topic = name("log")
    one, other = await world.open(topic), await world.open(topic)
    for stream in (one, other):
        welcome = stream.welcome
        assert welcome["type"] == "connected"
        assert welcome["topic"] == topic
        assert welcome["transport"] == world.transport
        assert welcome["heartbeat"] == world.heartbeat
        assert re.fullmatch(r"[a-z0-9]+-\d+", welcome["id"])
        assert TIMESTAMP.fullmatch(welcome["timestamp"])
        assert len(welcome["connection_id"]) >= 22
    assert one.welcome["connection_id"] != other.welcome["connection_id"]


async def test_what_is_published_comes_to_everyone_in_order(world: World) -> None:
    topic = name("log")
    streams = [await world.open(topic) for _ in range(3)]
    await world.publish(*counted(topic, 1, 60))
    for n in range(61, 71):
        await world.publish(*counted(topic, n, n))
    for stream in streams:
        last = await stream.find(lambda one: one.get("data") == {"n": 70})
        assert numbers(stream.messages) == list(range(1, 71))
        assert set(last) == {"type", "timestamp", "topic", "id", "data", "by"}
        positions = [int(one["id"].split("-")[1]) for one in stream.messages[1:]]
        assert positions == sorted(set(positions))


async def test_several_topics_come_merged_in_the_order_of_commit(world: World) -> None:
    one, other, third = name("log"), name("log"), name("log")
    stream = await world.open(one, other)
    await stream.find(lambda m: m["type"] == "connected" and m.get("topic") == other)
    assert [m.get("topic") for m in stream.messages] == [None, one, other]
    assert "connection_id" in stream.welcome
    await world.publish(*counted(one, 1, 2), *counted(third, 3, 3), *counted(other, 4, 5), *counted(one, 6, 6))
    await stream.find(lambda m: m.get("data") == {"n": 6})
    assert numbers(stream.messages) == [1, 2, 4, 5, 6]


async def test_a_cursor_brings_exactly_what_was_missed(world: World) -> None:
    topic = name("log")
    await world.publish(*counted(topic, 1, 3))
    stream = await world.open(topic)
    await world.publish(*counted(topic, 4, 5))
    await stream.find(lambda one: one.get("data") == {"n": 5})
    assert numbers(stream.messages) == [4, 5]
    await stream.drop()
    await world.publish(*counted(topic, 6, 900))
    again = await world.open(topic, since=stream.last_id)
    assert again.welcome["id"] == stream.last_id
    await again.find(lambda one: one.get("data") == {"n": 900})
    assert numbers(again.messages) == list(range(6, 901))


async def test_since_zero_brings_everything_retained(world: World) -> None:
    topic = name("log")
    await world.publish(*counted(topic, 1, 5))
    stream = await world.open(topic, since="0")
    await stream.find(lambda one: one.get("data") == {"n": 5})
    assert numbers(stream.messages) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("cursor", ["0000-1", "{epoch}-999999999"], ids=["another log", "ahead of the log"])
async def test_a_cursor_that_cannot_be_honoured_gets_a_reset(world: World, cursor: str) -> None:
    topic = name("log")
    await world.publish(*counted(topic, 1, 3))
    epoch = (await world.open(topic)).welcome["id"].split("-")[0]
    stream = await world.open(topic, since=cursor.format(epoch=epoch))
    reset = await stream.next("reset")
    assert isinstance(reset["data"]["reason"], str)
    assert reset["id"].startswith(f"{epoch}-")
    await world.publish(*counted(topic, 4, 4))
    await stream.find(lambda one: one.get("data") == {"n": 4})
    assert numbers(stream.messages) == [4]


async def test_a_state_topic_gives_a_newcomer_the_latest_of_each(world: World) -> None:
    topic = name("state")
    for value in range(5):
        await world.publish({"topic": topic, "type": "a", "data": value})
    await world.publish({"topic": topic, "type": "b", "data": "x"})
    stream = await world.open(topic)
    await stream.next("b")
    assert [(m["type"], m["data"]) for m in stream.messages[1:]] == [("a", 4), ("b", "x")]
    assert "id" not in stream.messages[1]
    await world.publish({"topic": topic, "type": "a", "data": 5})
    assert (await stream.next("a"))["data"] == 5


async def test_signals_come_from_now_on(world: World) -> None:
    topic = name("live")
    await world.publish(*counted(topic, 1, 3))
    stream = await world.open(topic)
    await world.publish(*counted(topic, 4, 6))
    await stream.find(lambda one: one.get("data") == {"n": 6})
    assert numbers(stream.messages) == [4, 5, 6]
    assert all("id" not in one for one in stream.messages[1:])


async def test_who_stays_on_while_signals_pass_gets_all_of_them(world: World) -> None:
    topic = name("live")
    stream = await world.open(topic)
    for n in range(1, 101):
        await world.publish(*counted(topic, n, n))
    await stream.find(lambda one: one.get("data") == {"n": 100})
    assert numbers(stream.messages) == list(range(1, 101))


async def test_a_client_publishes_and_is_told(world: World) -> None:
    topic = name("log")
    speaker, listener = await world.open(topic), await world.open(topic)
    published = await speaker.say({"type": "n", "data": {"n": 1}})
    assert published["type"] == "published"
    event = await listener.next("n")
    assert event["id"] == published["id"]
    assert (await speaker.next("n"))["id"] == event["id"]


async def test_the_same_key_changes_nothing_and_gets_the_same_answer(world: World) -> None:
    topic = name("log")
    speaker, listener = await world.open(topic), await world.open(topic)
    first = await speaker.say({"type": "n", "data": {"n": 1}, "key": f"k-{topic}"})
    again = await world.open(topic, since=speaker.last_id, user_id=speaker.query["user_id"])
    second = await again.say({"type": "n", "data": {"n": 1}, "key": f"k-{topic}"})
    assert second["type"] == "published"
    assert second["id"] == first["id"]
    await speaker.say({"type": "n", "data": {"n": 2}})
    await listener.find(lambda one: one.get("data") == {"n": 2})
    assert numbers(listener.messages) == [1, 2]


@pytest.mark.parametrize(
    ("ping", "pong"),
    [({"type": "ping"}, "pong"), ({"action": "ping"}, "pong"), ({"type": "PING"}, "PONG")],
    ids=["type", "action", "upper case"],
)
async def test_every_dialect_of_ping_is_answered(world: World, ping: Json, pong: str) -> None:
    stream = await world.open(name("live"))
    assert (await stream.say(dict(ping)))["type"] == pong


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"data": 1}, "bad_request", None),
        ({"type": "", "data": 1}, "bad_request", None),
        ({"type": "bye?", "data": 1, "more": 2}, "bad_request", None),
        ({"type": "reset", "data": {}}, "bad_request", "type"),
        ({"type": 7}, "bad_request", None),
    ],
    ids=["no type", "empty type", "unknown field", "a control type", "type is no string"],
)
async def test_a_bad_message_gets_an_error_and_the_connection_stays(
    world: World, body: Json, code: str, field: str | None
) -> None:
    topic = name("log")
    stream = await world.open(topic)
    error = await stream.say(dict(body))
    assert error["type"] == "error"
    assert error["data"]["code"] == code
    assert error["data"]["message"]
    if field:
        assert field in error["data"]["fields"]
    assert (await stream.say({"type": "n", "data": {"n": 1}}))["type"] == "published"
    assert (await stream.next("n"))["data"] == {"n": 1}


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "\u00ff", '{"key": 5}', '{"type": "n", "data": NaN}'])
async def test_what_is_no_message_gets_an_error(world: World, text: str) -> None:
    stream = await world.open(name("log"))
    if world.transport == "ws" or "key" in text:
        await stream.send_text(text)
        error = await stream.next("error")
        assert error["data"]["code"] == ("invalid_key" if "key" in text else "invalid_json")
    else:
        with pytest.raises(Refusal, match="400 invalid_json"):
            await stream.send_text(text)
    assert (await stream.say({"type": "ping"}))["type"] == "pong"


async def test_a_message_over_the_limit_is_refused(world: World) -> None:
    topic = name("log")
    stream = await world.open(topic)
    body = '{"type":"n","data":"' + "x" * 70_000 + '"}'
    if world.transport == "ws":
        await stream.send_text(body)
        assert await stream.end() == 1009
    else:
        with pytest.raises(Refusal, match="413"):
            await stream.send_text(body)
    other = await world.open(topic)
    await world.publish(*counted(topic, 1, 1))
    await other.next("n")


@pytest.mark.parametrize(
    ("topics", "query", "status", "code", "field"),
    [
        (("nothing/here",), {}, 404, "topic_not_found", None),
        (("log/a b",), {}, 400, "invalid_topic", "topic"),
        (("log/...", "log/.."), {}, 400, "invalid_topic", "topic"),
        (("log/" + "a" * 130,), {}, 400, "invalid_topic", "topic"),
        (("log/x",), {"since": "yesterday"}, 400, "invalid_since", "since"),
        (tuple(f"log/x{n}" for n in range(101)), {}, 400, "invalid_topic", "topic"),
        (("log/x",), {"username": "x" * 300}, 400, "bad_request", "username"),
    ],
    ids=["unknown topic", "bad name", "a step up", "long name", "bad cursor", "too many topics", "long username"],
)
async def test_who_asks_for_what_cannot_be_is_told(
    world: World, topics: tuple[str, ...], query: Json, status: int, code: str, field: str | None
) -> None:
    with pytest.raises(Refusal) as refused:
        await world.open(*topics, **query)
    assert refused.value.status == world.status(status)
    assert refused.value.code == code
    if field:
        assert field in refused.value.fields


async def test_a_hundred_topics_on_one_connection(world: World) -> None:
    topics = [name("log") for _ in range(100)]
    stream = await world.open(*topics)
    for index, topic in enumerate(topics):
        await world.publish(*counted(topic, index, index))
    await stream.find(lambda one: one.get("data") == {"n": 99})
    assert numbers(stream.messages) == list(range(100))


async def test_a_topic_added_fresh_is_welcomed_and_not_replayed(world: World) -> None:
    old, new = name("log"), name("log")
    stream = await world.open(old)
    await stream.drop()
    await world.publish(*counted(old, 1, 2), *counted(new, 3, 4))
    again = await world.open(old, new, since=stream.last_id, fresh=[new])
    await world.publish(*counted(new, 5, 5))
    await again.find(lambda one: one.get("data") == {"n": 5})
    assert numbers(again.messages, old) == [1, 2]
    assert numbers(again.messages, new) == [5]


STREAMING = [kind for kind in STREAMS if not kind.startswith("poll")]
POLLING = [kind for kind in STREAMS if kind.startswith("poll")]


@pytest.mark.parametrize("world", POLLING, indirect=True)
async def test_a_poll_that_nothing_comes_for_is_answered_when_it_has_waited(world: World) -> None:
    async with world.client() as client:
        path = f"/poll/{name('log')}"
        first = await client.get(path, params={"wait": "0"})
        asked = asyncio.get_running_loop().time()
        empty = await client.get(path, params={"since": first.json()["id"], "wait": "0.5"})
    assert empty.json()["messages"] == []
    assert asyncio.get_running_loop().time() - asked >= 0.5


@pytest.mark.parametrize("world", STREAMING, indirect=True)
async def test_a_silent_stream_beats(world: World) -> None:
    stream = await world.open(name("log"))
    beat = await stream.next("heartbeat")
    assert beat["id"] == stream.welcome["id"]
    await stream.next("heartbeat")


async def test_a_reader_that_stops_and_goes_on_misses_nothing(world: World) -> None:
    topic = name("log")
    stream = await world.open(topic)
    await stream.drop()
    for start in range(1, 3001, 1000):
        await world.publish(*counted(topic, start, start + 999))
    again = await world.open(topic, since=stream.last_id)
    await again.find(lambda one: one.get("data") == {"n": 3000})
    assert numbers(again.messages) == list(range(1, 3001))


async def test_one_who_changes_the_transport_goes_on_where_it_was(h1_worlds: list[World]) -> None:
    topic = name("log")
    ways = [*h1_worlds, *reversed(h1_worlds)]
    stream = await ways[0].open(topic)
    seen: list[int] = []
    for step, way in enumerate(ways[1:]):
        last = step * 10 + 10
        await way.publish(*counted(topic, last - 9, last - 5))
        await stream.find(lambda one, n=last - 5: one.get("data") == {"n": n})
        await stream.drop()
        seen += numbers(stream.messages)
        await way.publish(*counted(topic, last - 4, last))
        stream = await way.open(topic, since=stream.last_id)
        await stream.find(lambda one, n=last: one.get("data") == {"n": n})
    assert seen + numbers(stream.messages) == list(range(1, 10 * len(ways) - 9))
