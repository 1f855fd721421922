"""Who is connected, and disconnecting somebody, as administrators do over REST."""

from typing import Any

import httpx
import pytest

from tests.running import ServerProcess, eventually, unused_name
from tests.transports.drivers import PollStream, SseStream, Stream, WebsocketStream

KINDS: dict[str, type[Stream]] = {"ws": WebsocketStream, "sse": SseStream, "poll": PollStream}


async def opened(server: ServerProcess, transport: str, username: str, *topics: str) -> Stream:
    query: dict[str, Any] = {"user_id": username, "username": username, "headers": {"User-Agent": "medidor/2.1"}}
    stream = KINDS[transport](server.url, None, topics or ("log/listed",), query)
    await stream.open()
    return stream


async def listed(rest: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    answer = await rest.get("/api/connections", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]["connections"]
    return found


@pytest.mark.parametrize("transport", KINDS)
async def test_a_connection_is_listed_with_all_but_its_secret(
    server: ServerProcess, rest: httpx.AsyncClient, transport: str
) -> None:
    name = unused_name()
    stream = await opened(server, transport, name, "log/listed", "live/listed")
    await stream.say({"type": "said", "topic": "log/listed"})
    (one,) = await listed(rest, q=name)
    assert (one["user_id"], one["username"], one["role"], one["transport"]) == (name, name, "admin", transport)
    assert one["topics"] == ["live/listed", "log/listed"]
    assert one["agent"] == "medidor/2.1"
    assert one["sent"] >= 3
    assert one["sent_bytes"] > 100
    assert (one["received"], one["dropped"], one["lag"]) == (1, 0, 0)
    answer = await rest.get("/api/connections", params={"q": name})
    assert stream.welcome["connection_id"] not in answer.text
    await stream.leave()
    assert await eventually(lambda: _is_gone(rest, name))


async def _is_gone(rest: httpx.AsyncClient, name: str) -> bool:
    return await listed(rest, q=name) == []


async def test_a_round_trip_is_measured_for_who_looks(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    name = unused_name()
    stream = await opened(server, "ws", name)
    assert (await listed(rest, q=name))[0]["rtt"] is None

    async def measured() -> Any:
        return (await listed(rest, q=name))[0]["rtt"]

    assert 0 < await eventually(measured) < 5_000
    await stream.leave()


@pytest.mark.parametrize("transport", KINDS)
async def test_who_is_disconnected_hears_why_and_may_come_back(
    server: ServerProcess, rest: httpx.AsyncClient, transport: str
) -> None:
    name = unused_name()
    stream = await opened(server, transport, name)
    (one,) = await listed(rest, q=name)
    answer = await rest.delete(f"/api/connections/{one['handle']}")
    assert answer.json() == {"success": True, "data": {"handle": one["handle"]}}
    bye = await stream.next("bye")
    assert bye["data"] == {"reason": "closed by the administrator", "retry_after": 1000}
    assert await stream.end() == (1008 if transport == "ws" else 0)
    await stream.drop()
    assert await eventually(lambda: _is_gone(rest, name))
    again = await opened(server, transport, name)
    (back,) = await listed(rest, q=name)
    assert back["handle"] != one["handle"]
    await again.leave()


async def test_who_is_disconnected_between_two_polls_hears_it_at_the_next(rest: httpx.AsyncClient) -> None:
    name = unused_name()
    who = {"user_id": name, "username": name}
    first = (await rest.get("/poll/log/listed", params=who)).json()
    (one,) = await listed(rest, q=name)
    await rest.delete(f"/api/connections/{one['handle']}")
    assert await listed(rest, q=name) == []
    headers = {"X-Connection-Id": first["messages"][0]["connection_id"]}
    second = await rest.get("/poll/log/listed", params={**who, "since": first["id"]}, headers=headers)
    (bye,) = second.json()["messages"]
    assert (bye["type"], bye["data"]["retry_after"]) == ("bye", 1000)
    third = await rest.get("/poll/log/listed", params={**who, "since": second.json()["id"], "wait": 0}, headers=headers)
    assert third.json()["messages"] == []


@pytest.mark.parametrize("handle", ["0" * 12, "x", "a" * 300, "%C3%B1", "-1"])
async def test_whom_nobody_knows_is_not_found(rest: httpx.AsyncClient, handle: str) -> None:
    answer = await rest.delete(f"/api/connections/{handle}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "connection_not_found")


async def test_the_list_is_searched_sorted_and_paged(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    crowd = unused_name()
    streams = [await opened(server, "ws", f"{crowd}-{letter}", f"log/{crowd}") for letter in "bca"]
    await streams[0].say({"type": "said"})

    async def order(**asked: Any) -> str:
        return "".join([one["username"][-1] for one in await listed(rest, q=crowd.upper(), **asked)])

    assert await order(sort="user") == "abc"
    assert await order(sort="-user") == "cba"
    assert (await order(sort="-sent"))[0] == "b"
    opened_at = [one["opened_at"] for one in await listed(rest, q=crowd)]
    assert opened_at == sorted(opened_at, reverse=True)
    assert await order(sort="user", limit=2) == "ab"
    assert await order(sort="user", limit=2, page=2) == "c"
    assert await order(sort="user", limit=2, page=3) == ""
    found = (await rest.get("/api/connections", params={"q": crowd, "limit": 1})).json()["data"]
    assert (found["total"], len(found["connections"])) == (3, 1)
    for stream in streams:
        await stream.leave()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=age", "sort"),
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=99999999999999999999", "page"),
        ("limit=201", "limit"),
        ("q=" + "x" * 129, "q"),
    ],
)
async def test_what_cannot_be_asked_is_named(rest: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await rest.get(f"/api/connections?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [field]


@pytest.mark.parametrize("transport", KINDS)
async def test_the_log_has_a_line_when_somebody_comes_and_when_they_go(
    server: ServerProcess, rest: httpx.AsyncClient, transport: str
) -> None:
    name = unused_name()
    stream = await opened(server, transport, name)
    (one,) = await listed(rest, q=name)
    who = f'{transport} {one["handle"]} of "{name}" ("{name}") on log/listed'
    assert f"{who} opened" in server.log()
    await stream.leave()
    assert await eventually(lambda: f"{who} closed with 1" in server.log())
    assert stream.welcome["connection_id"] not in server.log()
