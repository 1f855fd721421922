import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.running import ServerProcess, eventually
from tests.stores import query

Json = dict[str, Any]
MakeServer = Callable[..., ServerProcess]

MEASURES = {"temperature": 21.5, "ph": 7.25, "conductivity": 480.5, "water_level": 73.25}
SIMULATED = ["EMBALSE_01", "EMBALSE_02", "EMBALSE_03"]
FAST = 0.05  # s between two readings
NEVER = 86_400  # s; the feed speaks once, at the first subscriber
DAY = 86_400_000  # ms


def rows(server: ServerProcess, where: str = "1 = 1") -> int:
    """How many readings are stored."""
    return int(query(server.database_url, f"SELECT count(*) FROM readings WHERE {where}")[0])


def seed(server: ServerProcess, readings: list[tuple[str, int]]) -> None:
    """Put readings of (reservoir, ms since the Unix epoch) into the database of a server that is stopped."""
    values = ", ".join(f"('{reservoir}', 20, 7, 400, 50, {at})" for reservoir, at in readings)
    columns = "reservoir_id, temperature, ph, conductivity, water_level, at"
    query(server.database_url, f"INSERT INTO readings ({columns}) VALUES {values}")


def follow(server: ServerProcess) -> connect:
    return connect(f"{server.url.replace('http', 'ws', 1)}/ws/sensors", proxy=None)


async def received(stream: ClientConnection) -> Json:
    message: Json = json.loads(await asyncio.wait_for(stream.recv(), 10))
    return message


def history(server: ServerProcess, **question: str | int) -> list[Json]:
    answer = httpx.get(f"{server.url}/api/sensors", params=question).json()
    assert answer["success"] is True
    assert "-" in answer["cursor"]
    data: list[Json] = answer["data"]
    return data


async def update_of(stream: ClientConnection, reservoir_id: str) -> Json:
    """The next reading of one reservoir."""
    while True:
        message = await received(stream)
        if message["type"] == "sensor_update" and message["data"]["reservoir_id"] == reservoir_id:
            return message


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def post(url: str, reservoir_id: str, *, key: str | None = None, **measures: float) -> httpx.Response:
    body = {"reservoir_id": reservoir_id, **MEASURES, **measures}
    headers = {} if key is None else {"Idempotency-Key": key}
    async with httpx.AsyncClient(base_url=url) as client:
        return await client.post("/api/sensors", json=body, headers=headers)


async def stored(url: str, reservoir_id: str, **measures: float) -> Json:
    response = await post(url, reservoir_id, key=None, **measures)
    assert response.status_code == 201, response.text
    reading: Json = response.json()["data"]
    return reading


def as_message(reading: Json) -> Json:
    """What of a message a reading decides."""
    return {
        "type": "sensor_update",
        "topic": "sensors",
        "timestamp": reading["timestamp"],
        "data": {name: reading[name] for name in (*MEASURES, "reservoir_id")},
    }


async def test_the_feed_runs_only_while_somebody_listens(make_server: MakeServer) -> None:
    server = make_server(sensor_interval=FAST)
    assert await asyncio.to_thread(history, server) == []

    async with follow(server) as first, follow(server) as second:
        for stream in (first, second):
            for reservoir_id in SIMULATED:
                update = await update_of(stream, reservoir_id)
                assert update["topic"] == "sensors"
                assert update["data"].keys() == MEASURES.keys() | {"reservoir_id"}
                assert datetime.fromisoformat(update["timestamp"]).tzinfo is not None
        await first.close()
        await update_of(second, "EMBALSE_01")
        shown = await update_of(second, "EMBALSE_02")
        await eventually(lambda: rows(server) > 30)
    question = {"reservoir_id": "EMBALSE_02", "since": shown["timestamp"], "limit": 1}
    [kept] = await asyncio.to_thread(history, server, **question)
    assert shown == as_message(kept)

    async def stopped() -> bool:
        before = rows(server)
        await asyncio.sleep(20 * FAST)
        return rows(server) == before

    assert await eventually(stopped, deadline=30)

    async with follow(server) as stream:
        before = rows(server)
        await eventually(lambda: rows(server) > before)
        await update_of(stream, "EMBALSE_03")


async def test_a_newcomer_gets_the_latest_of_each_reservoir_at_once(make_server: MakeServer) -> None:
    server = make_server(sensor_interval=NEVER)
    await stored(server.url, "north", temperature=1)
    latest = {"north": await stored(server.url, "north"), "south": await stored(server.url, "south")}

    async with follow(server) as stream:
        welcome = await received(stream)
        assert (welcome["type"], welcome["topic"], welcome["transport"]) == ("connected", "sensors", "ws")
        values = [await received(stream), await received(stream)]
    assert values == [as_message(reading) for reading in latest.values()]

    async with httpx.AsyncClient(base_url=server.url) as client:
        poll = (await client.get("/poll/sensors", params={"wait": 0})).json()["messages"]
        assert {"north", "south", *SIMULATED} == {message["data"]["reservoir_id"] for message in poll[1:]}
        assert as_message(latest["north"]) in poll
        async with client.stream("GET", "/sse/sensors") as response:
            lines = response.aiter_lines()
            found = [json.loads(line[6:]) async for line in first_lines(lines, 6)]
    assert found[0]["type"] == "connected"
    assert as_message(latest["south"]) in found


async def first_lines(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    """The first `count` lines of data of an event stream."""
    async for line in lines:
        if line.startswith("data: "):
            yield line
            count -= 1
        if not count:
            return


async def test_a_newcomer_gets_them_after_a_restart_too_with_their_time(make_server: MakeServer) -> None:
    server = make_server(sensor_interval=NEVER)
    reading = await stored(server.url, "north")
    assert server.stop() == 0
    await asyncio.to_thread(server.start)

    async with follow(server) as stream:
        assert (await received(stream))["type"] == "connected"
        assert await received(stream) == as_message(reading)


async def test_a_reading_is_kept_before_anybody_hears_of_it(server: ServerProcess, client: httpx.AsyncClient) -> None:
    async with follow(server) as stream:
        reading = await stored(server.url, "kept", temperature=-12.3456, ph=0, water_level=100)
        assert {name: reading[name] for name in MEASURES} == {
            "temperature": -12.35,
            "ph": 0.0,
            "conductivity": 480.5,
            "water_level": 100.0,
        }
        assert await update_of(stream, "kept") == as_message(reading)
        assert rows(server, "reservoir_id = 'kept'") == 1
    history = (await client.get("/api/sensors", params={"reservoir_id": "kept"})).json()
    assert history["data"] == [reading]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"ph": 14.01}, {"ph"}),
        ({"ph": -0.01}, {"ph"}),
        (
            {"temperature": 100.5, "conductivity": -1, "water_level": 101},
            {"temperature", "conductivity", "water_level"},
        ),
        ({"temperature": "21"}, {"temperature"}),
        ({"temperature": None}, {"temperature"}),
        ({"temperature": True}, {"temperature"}),
        ({"reservoir_id": "two words"}, {"reservoir_id"}),
        ({"reservoir_id": "newline\n"}, {"reservoir_id"}),
        ({"reservoir_id": "x" * 41}, {"reservoir_id"}),
        ({"reservoir_id": ""}, {"reservoir_id"}),
        ({"reservoir_id": 7, "depth": 3, "ph": 15}, {"reservoir_id", "depth", "ph"}),
    ],
)
async def test_a_wrong_reading_is_refused_by_the_names_of_its_fields(
    client: httpx.AsyncClient, change: Json, wrong: set[str]
) -> None:
    response = await client.post("/api/sensors", json={"reservoir_id": "wrong", **MEASURES, **change})

    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["fields"].keys()) == ("invalid_reading", wrong)
    assert (await client.get("/api/sensors", params={"reservoir_id": "wrong"})).json()["data"] == []


async def test_a_reading_without_its_fields_names_all_of_them(client: httpx.AsyncClient) -> None:
    error = (await client.post("/api/sensors", json={})).json()["error"]

    assert error["fields"].keys() == MEASURES.keys() | {"reservoir_id"}
    assert error["fields"]["ph"] == "needed: a number from 0 to 14"


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        ("{", "application/json", 400, "invalid_json"),
        ("3", "application/json", 400, "invalid_json"),
        ("[1]", "application/json", 400, "invalid_reading"),
        ("[]", "application/json", 400, "invalid_reading"),
        ('{"ph": 1e999}', "application/json", 400, "invalid_json"),
        ("{}", "text/plain", 415, "unsupported_media_type"),
        ("{}", None, 415, "unsupported_media_type"),
    ],
)
async def test_a_body_that_is_no_reading_is_refused(
    client: httpx.AsyncClient, body: str, media_type: str | None, status: int, code: str
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    response = await client.post("/api/sensors", content=body, headers=headers)

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


async def test_the_same_key_again_gets_the_first_answer_and_changes_nothing(server: ServerProcess) -> None:
    first = await post(server.url, "keyed", key="of the device", temperature=1)
    newer = await stored(server.url, "keyed", temperature=2)
    again = await post(server.url, "keyed", key="of the device", temperature=1)

    assert (again.status_code, again.json()) == (201, first.json())
    assert rows(server, "reservoir_id = 'keyed'") == 2
    async with follow(server) as stream:
        assert await update_of(stream, "keyed") == as_message(newer), "the repeat took the newer one's place"


async def test_the_history_is_oldest_first_and_can_be_asked_for_by_time(server: ServerProcess) -> None:
    one, two, three = [await stored(server.url, "history", temperature=value) for value in (1, 2, 3)]
    await stored(server.url, "elsewhere")

    async def asked(**question: str | int) -> list[Json]:
        return await asyncio.to_thread(history, server, **question)

    mine = {"reservoir_id": "history"}
    assert await asked(**mine) == [one, two, three]
    assert await asked(**mine, limit=2) == [two, three]
    assert (await asked(**mine, since=two["timestamp"]))[-2:] == [two, three]
    assert (await asked(**mine, since=one["timestamp"], limit=1)) == [one]
    milliseconds = round(datetime.fromisoformat(three["timestamp"]).timestamp() * 1000)
    assert await asked(**mine, since=milliseconds) == [three]
    assert await asked(**mine, since=milliseconds + 1) == []
    everything = await asked(since=0, limit=1000)
    assert {"history", "elsewhere"} <= {reading["reservoir_id"] for reading in everything}
    assert everything == sorted(everything, key=lambda reading: (reading["timestamp"], reading["id"]))


@pytest.mark.parametrize(
    ("question", "wrong"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"since": "1" * 25}, "since"),
        ({"reservoir_id": "../1"}, "reservoir_id"),
        ({"every": "60"}, "reservoir_id"),
        ({"reservoir_id": "north", "every": "601"}, "every"),
    ],
)
async def test_a_wrong_question_is_refused(client: httpx.AsyncClient, question: dict[str, str], wrong: str) -> None:
    response = await client.get("/api/sensors", params=question)

    assert response.status_code == 400
    assert response.json()["error"]["fields"].keys() == {wrong}


async def test_there_are_a_thousand_reservoirs_at_most(make_server: MakeServer) -> None:
    server = make_server(sensor_interval=NEVER)
    server.stop()
    now = round(datetime.now(UTC).timestamp() * 1000)
    seed(server, [(f"r{number}", now - DAY) for number in range(997)])
    await asyncio.to_thread(server.start)

    refused = await post(server.url, "one-too-many")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "too_many_reservoirs"
    await stored(server.url, "r7")
    async with follow(server) as stream:
        await received(stream)
        seen = {(await received(stream))["data"]["reservoir_id"] for _ in range(1000)}
    assert seen == {*(f"r{number}" for number in range(997)), *SIMULATED}


async def test_old_readings_go_as_new_ones_come(make_server: MakeServer) -> None:
    server = make_server(sensor_interval=NEVER)
    server.stop()
    now = round(datetime.now(UTC).timestamp() * 1000)
    seed(server, [("old", now - 31 * DAY)] * 890 + [("recent", now - 29 * DAY)])
    await asyncio.to_thread(server.start)
    assert rows(server, "reservoir_id = 'old'") == 890

    async def gone() -> bool:
        await stored(server.url, "new")
        return rows(server, "reservoir_id = 'old'") == 0

    assert await eventually(gone, deadline=30)
    assert rows(server, "reservoir_id = 'recent'") == 1


async def test_the_page_starts_from_what_is_stored(server: ServerProcess, client: httpx.AsyncClient) -> None:
    await stored(server.url, "on-the-page", conductivity=1234.5)
    page = await client.get("/telemetry")

    assert page.status_code == 200
    assert "text/html" in page.headers["Content-Type"]
    assert "on-the-page" in page.text
    assert "1234.5" in page.text
    assert '"cursor"' in page.text


async def test_in_secure_mode_readings_are_for_those_with_a_token(make_server: MakeServer) -> None:
    secret = "a secret that nobody guesses, with length"
    server = make_server(access="secure", secret_key=secret)
    expires = round(datetime.now(UTC).timestamp()) + 600
    token = jwt.encode({"sub": "device-1", "role": "device", "exp": expires}, secret, algorithm="HS256")

    async with httpx.AsyncClient(base_url=server.url) as client:
        reads = ("/api/sensors", "/api/alerts", "/api/alerts/summary", "/api/thresholds", "/telemetry")
        writes = ("/api/sensors", "/api/alerts/dismiss", "/alerts/dismiss")
        for method, path in [("GET", path) for path in reads] + [("POST", path) for path in writes]:
            assert (await client.request(method, path)).status_code == 401
        client.headers["Authorization"] = f"Bearer {token}"
        reading = {"reservoir_id": "north", **MEASURES}
        assert (await client.post("/api/sensors", json=reading)).status_code == 201
        assert len((await client.get("/api/sensors")).json()["data"]) == 1
