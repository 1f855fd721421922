"""Publishing over REST and on a stream: once per key, all that is asked for or a reason, nothing without a bound."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.realtime import limits
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
    assert answer.status_code == (202 if key else 409)
    other = await rest.post("/api/publish", json={"topic": "state/a", "type": "three"}, headers=headers | {"a": "b"})
    assert other.status_code == (422 if key else 409)
    assert await types_of_state(rest, "state/a") == ["one"]


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
