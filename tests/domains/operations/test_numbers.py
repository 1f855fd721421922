"""`/metrics`, `/websocket/status` and the topic `operations`: what somebody who looks after the server reads there."""

from collections.abc import Iterable

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from tests.running import ServerProcess, eventually
from tests.transports.drivers import PollStream, SseStream, Stream, WebsocketStream

KINDS = (WebsocketStream, SseStream, PollStream)


def value(families: Iterable[Metric], name: str, **labels: str) -> float:
    """The sample of that name and these labels; 0 where there is none."""
    samples = [one for family in families for one in family.samples if one.name == name]
    return sum(one.value for one in samples if labels.items() <= one.labels.items())


async def read(rest: httpx.AsyncClient) -> list[Metric]:
    answer = await rest.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return list(prometheus(answer.text))


async def opened(server: ServerProcess, kind: type[Stream], topic: str) -> Stream:
    stream = kind(server.url, None, (topic,), {"user_id": "7", "username": "Ana"})
    await stream.open()
    return stream


async def test_everything_that_happens_is_counted(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    before = await read(rest)
    streams = [await opened(server, kind, "log/metrics") for kind in KINDS]
    here = await read(rest)
    for transport in ("ws", "sse", "poll"):
        assert value(here, "envivo_connections", transport=transport) == 1
        assert value(here, "envivo_connections_opened_total", transport=transport) == 1 + value(
            before, "envivo_connections_opened_total", transport=transport
        )
    for number in range(3):
        await rest.post("/api/publish", json={"topic": "log/metrics", "type": "n", "data": number})
    for stream in streams:
        assert (await stream.find(lambda one: one.get("data") == 2))["type"] == "n"
        assert (await stream.say({"type": "said", "data": stream.topics}))["type"] == "published"
    await rest.post("/api/publish", json={"topic": "live/metrics", "type": "n"})
    await streams[0].send_text("{")
    assert (await streams[0].next("error"))["data"]["code"] == "invalid_json"
    after = await read(rest)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(here, name, **labels)

    assert grown("envivo_messages_published_total", kind="durable") == 6
    assert grown("envivo_messages_published_total", kind="signal") == 1
    for transport in ("ws", "sse"):
        # Six events to each, and the answer to what it said.
        assert grown("envivo_messages_delivered_total", transport=transport) >= 6
        assert grown("envivo_sent_bytes_total", transport=transport) > 6 * 50
    assert grown("envivo_messages_received_total", transport="ws") == 2
    assert grown("envivo_messages_received_total", transport="poll") == 1
    assert grown("envivo_delivery_seconds_count") >= 6 * 2
    assert grown("envivo_command_seconds_count") == 3
    assert grown("envivo_commit_units_sum") == 6
    assert 1 <= grown("envivo_commit_seconds_count") <= 6
    assert grown("envivo_errors_total", code="invalid_json") == 1
    assert value(after, "envivo_log_position") >= 6
    assert value(after, "envivo_relay_lag_positions") == 0
    assert value(after, "envivo_tail_bytes") > 0
    assert value(after, "envivo_build_info", version="0.1.0") == 1
    assert value(after, "process_resident_memory_bytes") > 1e6
    for stream in streams:
        await stream.leave()
    assert await eventually(lambda: nobody_is_left(rest), deadline=15)
    gone = await read(rest)
    assert value(gone, "envivo_connections_closed_total", transport="ws", code="1000") == 1
    # What they were sent is still counted.
    assert value(gone, "envivo_messages_delivered_total", transport="ws") >= value(
        after, "envivo_messages_delivered_total", transport="ws"
    )


async def nobody_is_left(rest: httpx.AsyncClient) -> bool:
    return value(await read(rest), "envivo_connections") == 0


async def test_the_lag_of_the_loop_is_measured_once_somebody_asks(rest: httpx.AsyncClient) -> None:
    async def measured() -> bool:
        return value(await read(rest), "envivo_loop_lag_seconds_count") > 0

    assert await eventually(measured)


async def test_openmetrics_for_who_asks_for_it(rest: httpx.AsyncClient) -> None:
    answer = await rest.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    names = {family.name for family in openmetrics(answer.text)}  # type: ignore[no-untyped-call]  # of the library
    assert {"envivo_connections", "envivo_delivery_seconds", "envivo_errors", "envivo_build"} <= names


async def test_the_status_counts_connections_by_channel(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    streams = [await opened(server, kind, "log/status") for kind in KINDS]
    for stream in streams:
        await stream.say({"type": "said"})
    answer = await rest.get("/websocket/status")
    assert set(answer.json()) == {"success", "data"}, "one node alone says nothing of nodes"
    status = answer.json()["data"]
    assert status["connections"]["log/status"] == 3
    assert status["total_connections"] >= 3
    assert status["messages_received"] >= 3
    assert status["messages_sent"] >= 6
    assert status["errors"] >= 0
    assert 0 < status["response_time_ms"]["mean"] < 10_000
    assert 0 < status["response_time_ms"]["p95"] <= 10_000
    assert status["uptime_seconds"] > 0
    for stream in streams:
        await stream.leave()


@pytest.mark.parametrize("kind", KINDS)
async def test_looks_come_while_somebody_watches(
    server: ServerProcess, rest: httpx.AsyncClient, kind: type[Stream]
) -> None:
    watcher = await opened(server, kind, "operations")
    mine = watcher.welcome["data"]["handle"]
    transport = watcher.welcome["transport"]
    # The first one may be from before it came.
    look = (await watcher.find(lambda one: one["type"] == "look" and one["data"]["connections"][transport]))["data"]
    assert look["topics"] >= 1
    assert look["memory"] > 1e6
    await rest.post("/api/publish", json=[{"topic": "log/looked", "type": "n"}] * 7)
    busy = await watcher.find(lambda one: one["type"] == "look" and one["data"]["published"]["durable"] > 0)
    assert busy["data"]["commits"] > 0
    assert busy["data"]["group"] >= 1
    assert 0 < busy["data"]["commit"]["p50"] <= busy["data"]["commit"]["p95"]
    # Who comes later sees at once what was before, and the last look.
    newcomer = await opened(server, kind, "operations")
    assert busy["data"] in [sample["look"] for sample in newcomer.welcome["data"]["samples"]]
    listed = (await rest.get("/api/connections?q=operations")).json()["data"]["connections"]
    assert mine in [one["handle"] for one in listed]
    await watcher.leave()
    await newcomer.leave()


async def test_nothing_can_be_said_there(server: ServerProcess) -> None:
    watcher = await opened(server, WebsocketStream, "operations")
    assert (await watcher.say({"type": "look"}))["data"]["code"] == "unknown_type"
    await watcher.leave()
