"""Publishing over REST and on a stream: once per key, all that is asked for or a reason, nothing without a bound."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.domains.topics.requests import Publication
from quart_app.domains.topics.service import Publisher
from quart_app.realtime import Identity, Refused, limits
from quart_app.storage.errors import DatabaseRefused
from tests.inside import serving

EVENTS = 160


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(tmp_path / "envivo.db") as (_, url), httpx.AsyncClient(base_url=url) as client:
        yield client


async def events(rest: httpx.AsyncClient, topic: str, **query: Any) -> list[dict[str, Any]]:
    answer = await rest.get("/api/log", params={"topic": topic, **query})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def types_of_state(rest: httpx.AsyncClient, topic: str) -> list[str]:
    answer = await rest.get(f"/poll/{topic}", params={"wait": 0})
    return [message["type"] for message in answer.json()["messages"]][1:]


async def test_a_guest_who_repeats_it_publishes_once(rest: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k"}
    message = {"topic": "log/a", "type": "n"}
    first, again = [await rest.post("/api/publish", json=message, headers=headers) for _ in range(2)]
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = await rest.post("/api/publish", params={"user_id": 7}, json=message, headers=headers)
    assert other.json()["id"] != first.json()["id"]
    assert len(await events(rest, "log/a")) == 2


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("topic", ["log/a", "state/a", "live/a"])
async def test_what_is_said_twice_is_published_twice_unless_it_has_a_key(
    tmp_path: Path, topic: str, key: str | None
) -> None:
    async with serving(tmp_path / "envivo.db") as (app, url), httpx.AsyncClient(base_url=url) as rest:
        follower = app.hub.follow(topic)
        body = {"type": "said", "data": 1} | ({"key": key} if key else {})
        replies = [(await rest.post(f"/send/{topic}", json=body)).json()["messages"] for _ in range(2)]
        heard = await follower.collect(5.0)
        follower.close()
        kept = await events(rest, topic)
    times = 1 if key else 2
    for (reply,) in replies:
        assert (reply["type"], reply["topic"], reply.get("key")) == ("published", topic, key)
    assert len({reply["id"] for (reply,) in replies}) == (times if topic == "log/a" else 1)
    assert [json.loads(message.json)["data"] for message in heard] == [1] * (1 if topic == "state/a" else times)
    assert len(kept) == (times if topic == "log/a" else 0)


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_value_that_is_refused_is_not_called_published(
    rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setattr(limits, "STATE_KEYS", 1)
    assert (await rest.post("/api/publish", json={"topic": "state/a", "type": "one"})).status_code == 202
    body = {"type": "two"} | ({"key": key} if key else {})
    (reply,) = (await rest.post("/send/state/a", json=body)).json()["messages"]
    assert (reply["type"], reply["data"]["code"], reply.get("key")) == ("error", "too_many_keys", key)
    headers = {"Idempotency-Key": key} if key else {}
    answer = await rest.post("/api/publish", json={"topic": "state/a", "type": "two"}, headers=headers | {"a": "b"})
    assert answer.status_code == 409
    assert await types_of_state(rest, "state/a") == ["one"]
    # The key was not used up: with room it publishes, once.
    monkeypatch.setattr(limits, "STATE_KEYS", 2)
    for _ in range(2):
        again = await rest.post("/api/publish", json={"topic": "state/a", "type": "two"}, headers=headers)
        assert again.status_code == 202
    assert await types_of_state(rest, "state/a") == ["one", "two"]


VALUE = {"topic": "state/a", "type": "new", "data": 1}


@pytest.mark.parametrize("body", [VALUE, [{"topic": "log/a", "type": "n"}, {"topic": "live/a", "type": "s"}, VALUE]])
@pytest.mark.parametrize(
    ("limit", "status", "code"),
    [
        ("STATE_KEYS", 409, "too_many_keys"),
        ("TOPICS_FOR_FOLLOWERS", 429, "too_many_topics"),
        ("STATE_BYTES", 429, "too_much_state"),
    ],
)
async def test_what_is_refused_is_refused_again_with_its_key_and_nothing_is_stored(
    rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, body: Any, limit: str, status: int, code: str
) -> None:
    headers = {"Idempotency-Key": "k"}
    with monkeypatch.context() as full:
        full.setattr(limits, limit, limits.TOPICS_IN_MEMORY if limit == "TOPICS_FOR_FOLLOWERS" else 0)
        for _ in range(2):
            answer = await rest.post("/api/publish", json=body, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert await events(rest, "log/a") == []
    first, again = [await rest.post("/api/publish", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, first.json()) == (202, again.json())
    assert len(await events(rest, "log/a")) == isinstance(body, list)
    assert await types_of_state(rest, "state/a") == ["new"]


@pytest.mark.parametrize("durable", [True, False])
async def test_those_who_come_together_do_not_take_the_same_room(
    rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    """Whoever waits for its commit has its room already, and whoever was refused has published nothing."""
    monkeypatch.setattr(limits, "STATE_KEYS", 3)

    async def publish(number: int) -> int:
        body = [{"topic": "state/a", "type": f"{number}"}] + [{"topic": "log/a", "type": f"{number}"}] * durable
        headers = {"Idempotency-Key": f"{number}"}
        return (await rest.post("/api/publish", json=body, headers=headers)).status_code

    for _ in range(2):
        answers = await asyncio.gather(*[publish(number) for number in range(10)])
        done = {f"{number}" for number, status in enumerate(answers) if status == 202}
        assert sorted(answers) == [202] * 3 + [409] * 7
        assert set(await types_of_state(rest, "state/a")) == done
        assert {event["type"] for event in await events(rest, "log/a")} == (done if durable else set())


async def test_room_is_kept_until_the_commit_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATE_KEYS", 1)
    async with serving(tmp_path / "envivo.db") as (app, _):
        publisher = Publisher(app.hub, app)

        async def publish(type: str, key: str | None = None) -> None:
            await publisher.publish([Publication("state/a", type)], Identity("1", "Ana"), key=key)

        async def go_away(type: str) -> None:
            """Publish, and be gone before the commit."""
            publishing = asyncio.create_task(publish(type, "k"))
            await asyncio.sleep(0)
            publishing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await publishing

        with monkeypatch.context() as failing:
            failing.setattr(app.writer, "_check", _no_space)
            await go_away("lost")
            with pytest.raises(DatabaseRefused):
                await publish("lost too", "l")
        # Nothing holds the room of what was not stored. What waits for its commit has its room, also when nobody waits.
        await go_away("kept")
        follower = app.hub.follow("state/a")
        with pytest.raises(Refused):
            await publish("other", "m")
        batch = await follower.read_now()
        follower.close()
        assert batch is not None
        assert [json.loads(message.json)["type"] for message in batch.messages] == ["kept"]


async def test_what_one_says_first_is_published_first(tmp_path: Path) -> None:
    """Whether it is stored, and whether it has a key."""
    async with serving(tmp_path / "envivo.db") as (app, _):
        publisher, told = Publisher(app.hub, app), list[str]()

        async def publish(topic: str, key: str | None) -> None:
            said = [Publication(topic, "said")]
            await publisher.publish(said, Identity("1", "Ana"), key=key, on_commit=lambda _: told.append(topic))

        await asyncio.gather(publish("state/job", "a"), publish("log/job", None), publish("live/job", "b"))
        assert told == ["state/job", "log/job", "live/job"]


def _no_space() -> None:
    raise OSError("no space left on device")


async def test_a_list_with_a_value_that_is_refused_is_refused_whole(
    rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STATE_KEYS", 2)
    assert (await rest.post("/api/publish", json={"topic": "state/a", "type": "old"})).status_code == 202
    values = [{"topic": "state/a", "type": type} for type in ("old", "new", "newer")]
    answer = await rest.post("/api/publish", json=[{"topic": "state/b", "type": "x"}, *values])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_keys")
    assert await types_of_state(rest, "state/a") == ["old"]
    assert await types_of_state(rest, "state/b") == []
    assert (await rest.post("/api/publish", json=values[:2])).status_code == 202
    assert await types_of_state(rest, "state/a") == ["old", "new"]


async def test_how_deep_and_how_large_a_message_may_be(rest: httpx.AsyncClient) -> None:
    def nested(levels: int) -> Any:
        return [nested(levels - 1)] if levels else "x"

    assert (await rest.post("/api/publish", json={"topic": "log/a", "type": "n", "data": nested(20)})).is_success
    deep = await rest.post("/api/publish", json={"topic": "log/a", "type": "n", "data": nested(40)})
    assert (deep.status_code, deep.json()["error"]["code"]) == (400, "invalid_json")
    large = {"topic": "log/a", "type": "n", "data": "x" * 60_000}
    assert (await rest.post("/api/publish", json=[large] * 3)).is_success
    large["data"] = "x" * (limits.INBOUND_MESSAGE_BYTES + 1)
    refused = await rest.post("/api/publish", json=[{"topic": "log/a", "type": "n"}, large])
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_big")
    assert len(await events(rest, "log/a")) == 4


async def test_a_long_log_is_read_in_answers_of_a_bounded_size(rest: httpx.AsyncClient) -> None:
    for first in range(0, EVENTS, 4):
        message = [{"topic": "log/a", "type": "n", "data": [n, "x" * 60_000]} for n in range(first, first + 4)]
        assert (await rest.post("/api/publish", json=message)).is_success
    numbers: list[int] = []
    for path in ("/api/log", "/poll/log/a"):
        since, numbers, answers = "0", [], 0
        while len(numbers) < EVENTS:
            query: dict[str, Any] = {"topic": "log/a", "limit": 1000} if path == "/api/log" else {"wait": 0}
            answer = await rest.get(path, params=query | {"since": since})
            assert len(answer.content) < 10 * 1024 * 1024
            found = answer.json()
            since, answers = found["id"], answers + 1
            numbers += [one["data"][0] for one in found.get("data", found.get("messages")) if one["type"] == "n"]
        assert numbers == list(range(EVENTS))
        assert answers > (1 if path == "/api/log" else 20)
    assert [one["data"][0] for one in await events(rest, "log/a", limit=3)] == [0, 1, 2]


async def test_the_topics_come_in_pages(rest: httpx.AsyncClient) -> None:
    events = [{"topic": f"log/page-{n}", "type": "n"} for n in range(5)]
    assert (await rest.post("/api/publish", json=events)).status_code == 202
    names: list[str] = []
    after: str | None = "log/page"
    while after is not None:
        page = (await rest.get("/api/topics", params={"after": after, "limit": 2})).json()
        assert len(page["data"]) <= 2
        names += [topic["topic"] for topic in page["data"]]
        after = page["after"]
    assert [name for name in names if name.startswith("log/page-")] == [f"log/page-{n}" for n in range(5)]
