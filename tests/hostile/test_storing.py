"""Whoever stores as much as they can, or asks as fast as they can, is held back, and nobody else is: the review's M8
and L15."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.hostile.users import answers, as_user, connected, undisturbed
from tests.inside import serving
from tests.running import ServerProcess
from tests.secure import SECURE

LARGE = {"topic": "log/flood", "type": "n", "data": "x" * 60_000}


async def test_a_day_has_only_so_many_bytes_for_each(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(**SECURE, quota_stored_bytes=1_000_000)
    async with (
        as_user(server.url, "mallory") as rest,
        connected(server.url, "mallory", "log/flood") as socket,
        undisturbed(server.url, "/poll/rooms/2?wait=0", "/api/productos"),
    ):
        statuses: Counter[int] = Counter()
        for number in range(30):
            answer = await rest.post("/api/publish", json=LARGE, headers={"Idempotency-Key": f"{number}"})
            statuses[answer.status_code] += 1
        assert statuses == {202: 16, 429: 14}
        assert answer.json()["error"]["code"] == "quota_stored_bytes"
        assert 1 <= int(answer.headers["Retry-After"]) <= 86_400
        assert await answers(socket, [LARGE] * 20) == {"quota_stored_bytes": 20}
        mixed = await rest.post("/api/publish", json=[{"topic": "live/a", "type": "n"}, LARGE])
        assert mixed.status_code == 429
        # What is not stored is not counted, and the rooms are no open topics.
        assert (await rest.post("/api/publish", json=LARGE | {"topic": "live/a"})).status_code == 202
        assert (await rest.post("/api/rooms/1/messages", json={"content": "hello"})).is_success
        async with as_user(server.url, "victim") as victim:
            assert (await victim.post("/api/publish", json=LARGE)).status_code == 202
    sizes = [file.stat().st_size for file in server.database.parent.glob("envivo.db*")]
    assert sum(sizes) < 8_000_000


async def test_requests_come_as_fast_as_they_may(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(**SECURE, quota_requests=2)
    message = {"topic": "live/flood", "type": "n"}
    async with as_user(server.url, "mallory") as rest, as_user(server.url, "victim") as victim:
        for path, body in (("/api/publish", message), ("/send/live/flood", message), ("/api/productos", None)):
            got = Counter[int]()
            while got.total() < 60 and not got[429]:
                answer = await (rest.get(path) if body is None else rest.post(path, json=body))
                got[answer.status_code] += 1
            assert got[429], path
            assert (answer.json()["error"]["code"], answer.headers["Retry-After"]) == ("quota_requests", "1")
        assert (await victim.post("/api/publish", json=message)).status_code == 202
        # What is not asked for by REST goes on.
        async with connected(server.url, "mallory", "live/flood") as socket:
            assert await answers(socket, [message]) == {"published": 1}


async def commits(rest: httpx.AsyncClient) -> float:
    metrics = (await rest.get("/metrics")).text
    return next(float(line.split()[1]) for line in metrics.splitlines() if line.startswith("envivo_commit_units_count"))


async def test_a_thousand_messages_with_keys_are_one_unit_of_work(tmp_path: Path) -> None:
    async with serving(tmp_path / "envivo.db") as (_, url), httpx.AsyncClient(base_url=url, timeout=20) as rest:
        messages = [{"topic": "log/a", "type": "n", "data": number, "key": f"k{number}"} for number in range(1_000)]
        before = await commits(rest)
        first = await rest.post("/api/publish", json=messages)
        assert (first.status_code, first.json()["published"]) == (202, 1_000)
        assert await commits(rest) - before <= 2
        for again in (messages, messages[-1:], messages[-1]):
            repeated = await rest.post("/api/publish", json=again)
            assert (repeated.status_code, repeated.json()["id"]) == (202, first.json()["id"])
        await check_parts(rest, messages)


async def check_parts(rest: httpx.AsyncClient, messages: list[dict[str, object]]) -> None:
    """What is new among repeats is published; what is wrong among what is new stops all of it."""
    some = [messages[3], messages[3], {"topic": "log/a", "type": "new", "key": "new"}, {"topic": "log/a", "type": "x"}]
    answer = await rest.post("/api/publish", json=[*some, some[2]])
    assert answer.status_code == 202
    for wrong in (
        [{"topic": "log/a", "type": "newer", "key": "newer"}, {"topic": "log/a", "type": "other", "key": "k3"}],
        [{"topic": "log/a", "type": "newer", "key": "newer"}, {"topic": "log/a", "type": "other", "key": "newer"}],
    ):
        refused = await rest.post("/api/publish", json=wrong)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "key_reused")
    (answer_of_socket,) = (await rest.post("/send/log/a", json={"type": "new", "key": "new"})).json()["messages"]
    assert answer_of_socket["type"] == "published"
    log = await rest.get("/api/log", params={"topic": "log/a", "limit": 1_000, "since": answer.json()["id"]})
    assert log.json()["data"] == []
    kept = await rest.get("/api/log", params={"topic": "log/a", "limit": 1_000})
    assert len(kept.json()["data"]) == 1_000  # an answer has no more
    rest_of_it = await rest.get("/api/log", params={"topic": "log/a", "limit": 1_000, "since": kept.json()["id"]})
    assert [one["type"] for one in rest_of_it.json()["data"]] == ["new", "x"]
