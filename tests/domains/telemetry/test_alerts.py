"""Alerts as the clients of the older system get them, over WebSocket and REST."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.domains.telemetry.devices import COUNTS, FINE, Json, OldClient, ago, alerts_of, dismiss, new_reservoir, send
from tests.running import ServerProcess
from tests.stores import query

MakeServer = Callable[..., ServerProcess]


@pytest.fixture
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        yield client


async def summary(rest: httpx.AsyncClient) -> Json:
    found: Json = (await rest.get("/api/alerts/summary")).json()["data"]
    return found


async def test_an_alert_from_its_beginning_to_its_end(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    before = await summary(rest)
    async with OldClient(server.url) as client:
        assert (client.welcome["type"], client.welcome["topic"]) == ("initial", "alerts")
        assert client.welcome["data"] == {name: before[name] for name in COUNTS}
        assert {"connection_id", "heartbeat", "id"} <= client.welcome.keys()
        assert client.welcome["transport"] == "ws"

        await send(rest, pond, temperature=26.5)  # on the edge, not past it
        reading = await send(rest, pond, temperature=27.0)
        appeared = await client.hear_of(pond)
        assert (appeared["type"], appeared["data"]["warning"]) == ("update", before["warning"] + 1)
        alert = appeared["data"]["alert"]
        assert alert == {
            "id": alert["id"],
            "reservoir_id": pond,
            "measure": "temperature",
            "cause": "high",
            "severity": "warning",
            "value": 27.0,
            "threshold": 26.5,
            "raised_at": reading["timestamp"],
            "changed_at": reading["timestamp"],
            "closed_at": None,
            "closed_by": None,
        }

        for on_the_edge in (26.4, 26.6, 26.1, 26.5):
            await send(rest, pond, temperature=on_the_edge)
        await send(rest, pond, temperature=30.0)
        worse = await client.hear_of(pond)
        assert (worse["type"], worse["data"]["alert"]["id"]) == ("update", alert["id"])
        assert (worse["data"]["alert"]["severity"], worse["data"]["alert"]["threshold"]) == ("critical", 29.0)
        assert worse["data"]["critical"] == before["critical"] + 1
        assert worse["data"]["warning"] == before["warning"]

        await send(rest, pond)
        closed, notice = await client.hear_of(pond), await client.hear_of(pond)
        assert (closed["type"], closed["alert_id"]) == ("dismissed", alert["id"])
        assert closed["data"]["alert"]["closed_by"] == "recovered"
        assert (notice["data"]["alert"]["cause"], notice["data"]["info"]) == ("recovered", before["info"] + 1)
    assert [each["id"] for each in await alerts_of(rest, pond, open=True)] == [notice["data"]["alert"]["id"]]


async def test_what_the_older_client_asks_is_answered(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    async with OldClient(server.url) as client:
        await client.say(action="ping")
        assert (await client.hear())["type"] == "pong"
        await client.say(action="refresh")
        answer = await client.hear()
        now = await summary(rest)
        assert (answer["type"], answer["data"]) == ("refresh", {name: now[name] for name in COUNTS})
        await client.say(type="refresh", key="k")
        assert (await client.hear())["key"] == "k"
        await client.say(action="shout")
        assert (await client.hear())["data"]["code"] == "unknown_type"


@pytest.mark.parametrize("path", ["/api/alerts/dismiss", "/alerts/dismiss"])
async def test_a_dismissed_alert_stays_away_until_the_value_has_recovered_and_crossed_again(
    server: ServerProcess, rest: httpx.AsyncClient, path: str
) -> None:
    pond = new_reservoir()
    await send(rest, pond, water_level=30.0)
    [alert] = await alerts_of(rest, pond)
    async with OldClient(server.url) as client:
        answer = await dismiss(rest, alert["id"], path)
        told = await client.hear_of(pond)
        assert (told["type"], told["alert_id"]) == ("dismissed", alert["id"])
        assert answer.status_code == 200
        assert answer.json()["success"] is True
        assert answer.json()["data"] == told["data"]["alert"]
        assert told["data"]["alert"]["closed_by"] == "dismissed"

        for level in (31.0, 26.0, 39.0, 40.9, 38.0):
            await send(rest, pond, water_level=level)
        assert [each["id"] for each in await alerts_of(rest, pond)] == [alert["id"]]
        await send(rest, pond, water_level=41.1)
        await send(rest, pond, water_level=39.9)
        told = await client.hear_of(pond)
        assert (told["type"], told["data"]["alert"]["severity"]) == ("update", "warning")
        assert told["data"]["alert"]["id"] != alert["id"]


async def test_a_dismissed_warning_that_turns_critical_is_another_alert(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    await send(rest, pond, water_level=30.0)
    [warning] = await alerts_of(rest, pond)
    assert (await dismiss(rest, warning["id"])).status_code == 200
    await send(rest, pond, water_level=20.0)
    critical = (await alerts_of(rest, pond))[0]
    assert (critical["severity"], critical["closed_by"]) == ("critical", None)
    assert critical["id"] != warning["id"]


async def test_of_two_who_dismiss_at_once_one_is_told_that_it_is_closed(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    await send(rest, pond, ph=5.0)
    [alert] = await alerts_of(rest, pond)
    answers = await asyncio.gather(dismiss(rest, alert["id"]), dismiss(rest, alert["id"]))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refused = max(answers, key=lambda answer: answer.status_code).json()
    assert (refused["success"], refused["error"]["code"]) == (False, "alert_closed")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"alert_id": "alerta_999999"}, 404, "alert_not_found"),
        ({"alert_id": "alerta_999999999999999999"}, 404, "alert_not_found"),
        ({"alert_id": "alerta_9999999999999999999"}, 400, "bad_request"),
        ({"alert_id": "alerta_01"}, 400, "bad_request"),
        ({"alert_id": "alerta_1\n"}, 400, "bad_request"),
        ({"alert_id": 1}, 400, "bad_request"),
        ({"alert_id": "1"}, 400, "bad_request"),
        ({}, 400, "bad_request"),
        ({"alert_id": "alerta_1", "by": "me"}, 400, "bad_request"),
    ],
)
async def test_what_cannot_be_dismissed_is_refused(rest: httpx.AsyncClient, body: Json, status: int, code: str) -> None:
    answer = await rest.post("/alerts/dismiss", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    if status == 400:
        assert answer.json()["error"]["fields"].keys() <= {"alert_id", "by"}


async def test_the_same_key_dismisses_once_and_gets_the_first_answer(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    await send(rest, pond, ph=9.0)
    [alert] = await alerts_of(rest, pond)
    body, key = {"alert_id": alert["id"]}, {"Idempotency-Key": pond}
    first, again = [await rest.post("/api/alerts/dismiss", json=body, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())


async def test_the_list_is_newest_first_in_pages(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    await send(rest, pond, temperature=30, ph=9, conductivity=900, water_level=10)
    everything = await alerts_of(rest, pond)
    assert sorted(each["measure"] for each in everything) == sorted(FINE)
    page = (await rest.get("/api/alerts", params={"reservoir_id": pond, "limit": 3})).json()
    rest_of_them = (await rest.get("/api/alerts", params={"reservoir_id": pond, "before": page["next"]})).json()
    assert page["data"] + rest_of_them["data"] == everything
    assert rest_of_them["next"] is None
    assert "-" in page["cursor"]
    await dismiss(rest, everything[0]["id"])
    assert [each["id"] for each in await alerts_of(rest, pond, open="false")] == [everything[0]["id"]]
    assert [each["id"] for each in await alerts_of(rest, pond, open="true")] == [each["id"] for each in everything[1:]]
    counts = await summary(rest)
    assert counts["total"] == sum(counts[name] for name in COUNTS[1:])
    assert counts["has_critical"] is True
    assert counts["last_updated"] == (await alerts_of(rest, pond))[0]["closed_at"]


@pytest.mark.parametrize(
    ("question", "wrong"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"open": "perhaps"}, "open"),
        ({"before": "17"}, "before"),
        ({"reservoir_id": "../1"}, "reservoir_id"),
    ],
)
async def test_a_wrong_question_is_refused(rest: httpx.AsyncClient, question: dict[str, str], wrong: str) -> None:
    answer = await rest.get("/api/alerts", params=question)
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"].keys() == {wrong}


async def test_the_thresholds_are_told(rest: httpx.AsyncClient) -> None:
    told = {each["measure"]: each for each in (await rest.get("/api/thresholds")).json()["data"]}
    assert told.keys() == FINE.keys()
    assert told["temperature"]["high"] == {"warning": 26.5, "critical": 29}
    assert told["temperature"]["margin"] == 0.5


async def test_open_alerts_survive_the_end_of_the_process_and_nothing_is_raised_twice(make_server: MakeServer) -> None:
    server = make_server()
    async with httpx.AsyncClient(base_url=server.url) as rest:
        await send(rest, "A", temperature=27.0, ph=5.0)
        ph, temperature = await alerts_of(rest, "A")
        await dismiss(rest, ph["id"])
        async with OldClient(server.url) as client:
            since = client.welcome["id"]
        server.kill()
        await asyncio.to_thread(server.start)

        await send(rest, "A", temperature=26.3, ph=5.0)
        assert [(each["id"], each["closed_by"]) for each in await alerts_of(rest, "A")] == [
            (ph["id"], "dismissed"),
            (temperature["id"], None),
        ]
        await send(rest, "A", temperature=30.0, ph=5.0)
    async with OldClient(server.url, f"?since={since}") as client:
        assert client.welcome["data"] == {"total": 1, "critical": 1, "warning": 0, "info": 0}
        missed = await client.hear_of("A")
        assert (missed["type"], missed["data"]["alert"]["severity"]) == ("update", "critical")
        assert missed["data"]["alert"]["id"] == temperature["id"]


async def test_a_list_of_readings_is_judged_in_the_order_of_time(
    server: ServerProcess, rest: httpx.AsyncClient
) -> None:
    pond = new_reservoir()
    values = [(5, 20.0), (3, 20.0), (4, 27.0), (2, 30.0), (1, 28.0)]  # minutes ago, °C
    body = [
        {"reservoir_id": pond, **FINE, "temperature": value, "timestamp": ago(minutes=minutes)}
        for minutes, value in values
    ]
    async with OldClient(server.url) as client:
        answer = await rest.post("/api/sensors", json=body)
        first, second = await client.hear_of(pond), await client.hear_of(pond)
    assert answer.status_code == 201
    stored = answer.json()["data"]
    assert [reading["temperature"] for reading in stored] == [value for _, value in values]
    assert (first["type"], second["type"]) == ("dismissed", "update")  # each alert as it is in the end
    short, standing = first["data"]["alert"], second["data"]["alert"]
    assert (short["raised_at"], short["closed_at"]) == (stored[2]["timestamp"], stored[1]["timestamp"])
    assert (standing["severity"], standing["raised_at"]) == ("warning", stored[3]["timestamp"])
    assert (await send(rest, pond, temperature=28.0))["id"] == stored[-1]["id"] + 1


async def test_a_day_can_be_asked_for_in_few_readings(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    body = [{"reservoir_id": pond, **FINE, "timestamp": ago(minutes=minutes)} for minutes in range(240, -1, -1)]
    stored = (await rest.post("/api/sensors", json=body)).json()["data"]
    question: Json = {"reservoir_id": pond, "every": 600, "limit": 12}
    thin = (await rest.get("/api/sensors", params=question)).json()["data"]
    newest = {reading["timestamp"][:15]: reading for reading in stored}  # as far as the tens of minutes
    assert thin == list(newest.values())[-12:]
    early = (await rest.get("/api/sensors", params={**question, "since": stored[0]["timestamp"]})).json()["data"]
    assert early == list(newest.values())[:12]


async def test_a_reading_that_is_stamped_ahead_silences_no_alert(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    await send(rest, pond, temperature=20, timestamp=ago(minutes=-4))
    await send(rest, pond, temperature=35)
    assert [one["severity"] for one in await alerts_of(rest, pond)] == ["critical"]
    await send(rest, pond, temperature=20)
    assert (await alerts_of(rest, pond))[0]["severity"] == "info"  # it has recovered


async def test_a_reading_that_comes_late_is_kept_and_changes_nothing(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    now = await send(rest, pond, temperature=20)
    late = await send(rest, pond, temperature=35, timestamp=ago(hours=2))
    assert late["id"] > now["id"]
    assert await alerts_of(rest, pond) == []
    history = (await rest.get("/api/sensors", params={"reservoir_id": pond})).json()["data"]
    assert history == [late, now]
    latest = (await rest.get("/poll/sensors", params={"wait": 0})).json()["messages"]
    [shown] = [each for each in latest if each.get("data", {}).get("reservoir_id") == pond]
    assert shown["data"]["temperature"] == 20


@pytest.mark.parametrize(
    ("timestamp", "status"),
    [
        (lambda: ago(minutes=-4), 201),
        (lambda: ago(minutes=-6), 400),
        (lambda: ago(days=31), 400),
        (lambda: "yesterday", 400),
        (lambda: 17, 400),
        (lambda: None, 201),
    ],
)
async def test_the_time_of_a_device_has_to_be_near(
    rest: httpx.AsyncClient, timestamp: Callable[[], Any], status: int
) -> None:
    body = {"reservoir_id": new_reservoir(), **FINE, "timestamp": timestamp()}
    answer = await rest.post("/api/sensors", json=body)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert answer.json()["error"]["fields"].keys() == {"timestamp"}


async def test_a_list_is_stored_whole_or_not_at_all_and_its_wrong_fields_are_named(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    good = {"reservoir_id": pond, **FINE}
    answer = await rest.post("/api/sensors", json=[good, {**good, "ph": 15, "depth": 3}, 7])
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"].keys() == {"[1].ph", "[1].depth", "[2]"}
    assert (await rest.post("/api/sensors", json=[good] * 1001)).status_code == 400
    assert (await rest.get("/api/sensors", params={"reservoir_id": pond})).json()["data"] == []
    full = await rest.post("/api/sensors", json=[good] * 1000)
    assert len(full.json()["data"]) == 1000


async def test_a_device_that_speaks_after_a_long_silence_is_an_info_for_a_while(rest: httpx.AsyncClient) -> None:
    pond = new_reservoir()
    await send(rest, pond, timestamp=ago(hours=3))
    await send(rest, pond, timestamp=ago(minutes=40))
    [info] = await alerts_of(rest, pond)
    assert (info["cause"], info["severity"], info["measure"], info["value"]) == ("contact", "info", None, None)
    await send(rest, pond, timestamp=ago(minutes=30))
    assert await alerts_of(rest, pond, open=True) == [info]
    await send(rest, pond, timestamp=ago(minutes=20))
    [info] = await alerts_of(rest, pond)
    assert info["closed_by"] == "expired"


async def test_a_new_database_shows_a_day_once(make_server: MakeServer) -> None:
    server = make_server(empty=0, sensor_interval=86_400)
    async with httpx.AsyncClient(base_url=server.url) as rest:
        history = (await rest.get("/api/sensors", params={"reservoir_id": "EMBALSE_02", "limit": 1000})).json()["data"]
        assert len(history) == 145
        standing = {(each["measure"], each["severity"]) for each in await alerts_of(rest, "POZA_HONDA", open=True)}
        assert standing == {("water_level", "critical"), ("conductivity", "warning"), (None, "info")}
        log = (await rest.get("/api/log", params={"topic": "alerts", "since": "0", "limit": 1000})).json()["data"]
        everything = await rest.get("/api/alerts", params={"limit": 500})
        assert {each["data"]["alert"]["id"] for each in log} == {each["id"] for each in everything.json()["data"]}
        server.stop()
        await asyncio.to_thread(server.start)
        again = (await rest.get("/api/sensors", params={"reservoir_id": "EMBALSE_02", "limit": 1000})).json()["data"]
        assert again == history
        assert (await rest.get("/api/alerts", params={"limit": 500})).json()["data"] == everything.json()["data"]


async def test_the_alerts_of_a_reservoir_that_is_forgotten_close(make_server: MakeServer) -> None:
    server = make_server(sensor_interval=86_400)
    async with httpx.AsyncClient(base_url=server.url) as rest:
        await send(rest, "GONE", temperature=27.0)
        await asyncio.to_thread(server.stop)
        query(server.database_url, f"UPDATE readings SET at = at - {31 * 86_400_000}")
        await asyncio.to_thread(server.start)
        await rest.post("/api/sensors", json=[{"reservoir_id": "HERE", **FINE}] * 100)
        await rest.post("/api/sensors", json=[{"reservoir_id": "HERE", **FINE}] * 100)
        [alert] = await alerts_of(rest, "GONE")
        assert alert["closed_by"] == "expired"
        assert (await rest.get("/api/sensors", params={"reservoir_id": "GONE"})).json()["data"] == []
