"""`envivo cluster` as its users have it: real nodes on real servers, and what it leaves behind: nothing."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from quart_app.cluster import ClusterError
from quart_app.cluster.cluster import Cluster
from quart_app.cluster.pages import Page, listen, serve_page
from quart_app.cluster.servers import Server
from quart_app.cluster.timeline import Timeline
from tests.cli.cluster_command import SOON, Command
from tests.running import START_DEADLINE, wait_until


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    running = Command("3").serves()
    yield running
    running.close()


@pytest.mark.postgres
@pytest.mark.redis
def test_the_pages_work_through_the_balancer(command: Command) -> None:
    command.goes_on()
    for path in ("/", "/chat", "/bank", "/static/css/base.css"):
        assert httpx.get(command.url + path).status_code == 200, path
    wait_until(lambda: sum(node["said"]["connections"] for node in command.state()["nodes"]) >= 2, SOON)
    wait_until(lambda: all(node["said"]["peers"] == 3 for node in command.state()["nodes"]), SOON)


@pytest.mark.postgres
@pytest.mark.redis
def test_only_the_page_itself_may_do_something(command: Command) -> None:
    assert command.rest.post("/nodes/1/kill").status_code == 403
    assert command.do("/nodes/1/kill", Origin="http://evil.example") == 403
    assert command.do("/nodes/1/kill", Host="evil.example") == 421
    assert command.rest.get("/state", headers={"Host": "evil.example"}).status_code == 421
    assert command.do("/nodes/1/explode") == 404
    assert command.do("/nodes/9/kill") == 404
    assert command.do("/nodes/1/start") == 409
    assert command.node(1)["state"] == "running"


@pytest.mark.postgres
@pytest.mark.redis
def test_nothing_is_lost_whatever_befalls_the_nodes(command: Command) -> None:
    pids = [node["pid"] for node in command.state()["nodes"]]

    assert command.do("/nodes/1/kill") == 200
    wait_until(lambda: command.node(1)["state"] == "over", SOON)
    assert command.do("/nodes/2/stop") == 200
    wait_until(lambda: not command.node(2)["answers"], SOON)
    assert command.node(2)["state"] == "stopped"
    command.goes_on()  # with the third alone
    assert command.do("/nodes/2/continue") == 200
    assert command.do("/nodes/1/start") == 200
    wait_until(lambda: command.node(1)["state"] == "running" and command.node(2)["answers"], START_DEADLINE)

    assert command.do("/nodes/3/cut-redis") == 200
    assert command.node(3)["cut"] == ["redis"]
    wait_until(lambda: command.node(3)["said"]["health"]["backplane"].startswith("away"), SOON)
    command.goes_on()
    assert command.do("/nodes/3/heal") == 200
    wait_until(lambda: command.node(3)["said"]["health"]["backplane"] == "up", SOON)
    assert command.do("/nodes/2/cut-postgres") == 200
    wait_until(lambda: command.node(2)["said"]["health"]["database"] != "ok", SOON)
    command.goes_on()
    assert command.do("/nodes/2/heal") == 200
    wait_until(lambda: command.node(2)["said"]["health"]["database"] == "ok", SOON)

    assert command.do("/restart") == 200
    assert command.do("/nodes/1/kill") == 409
    wait_until(lambda: not command.state()["rolling"], START_DEADLINE)
    command.goes_on()
    wait_until(lambda: all(node["answers"] for node in command.state()["nodes"]), SOON)
    state = command.state()
    assert [(node["state"], node["cut"]) for node in state["nodes"]] == [("running", [])] * 3
    assert not {node["pid"] for node in state["nodes"]}.intersection(pids)
    assert state["witness"]["failed"] is None
    assert state["witness"]["wrong"] == 0, state
    assert {
        "did_kill",
        "over",
        "did_stop",
        "did_cut_redis",
        "part_away",
        "part_back",
        "restarted_all",
    } <= command.words()


@pytest.mark.postgres
@pytest.mark.redis
def test_nothing_is_left_after_kill_9(command: Command) -> None:
    names = {process.name() for process in command.descendants()}
    assert {"postgres", "redis-server"} <= names or "valkey-server" in names
    assert command.end(signal.SIGKILL) == -signal.SIGKILL


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_of_a_start_that_is_ended(number: signal.Signals) -> None:
    command = Command("1", "--no-load")
    wait_until((command.folder / "postgres.log").exists, SOON)
    command.end(number)


@pytest.mark.postgres
@pytest.mark.redis
def test_nothing_is_left_where_somebody_cannot_wait_for_the_end() -> None:
    command = Command("1").serves()
    command.end(signal.SIGINT, again=True)


async def test_a_window_that_stays_open_does_not_hold_up_the_end() -> None:
    page = Page(Cluster([], Timeline()), None, "http://127.0.0.1:8000")
    async with asyncio.timeout(SOON), serve_page(page, listen(0)) as address:
        port = httpx.URL(address).port
        events, asking = await asyncio.open_connection("127.0.0.1", port)
        asking.write(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        await events.readuntil(b'data: {"nodes": []')
    asking.close()
    await asking.wait_closed()


def refusal(*arguments: str) -> str:
    words = [sys.executable, "-m", "quart_app", "cluster", *arguments]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done
    return done.stderr


def test_a_port_that_is_taken_is_told_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "--port names another one" in refusal("--port", port, "--page-port", "0")
        assert "--page-port names another one" in refusal("--port", "0", "--page-port", port)


@pytest.mark.parametrize("url", ["rediss://127.0.0.1", "redis://", "http://127.0.0.1", "redis://127.0.0.1:99999"])
def test_an_address_that_no_line_can_be_laid_to_is_refused(url: str) -> None:
    with pytest.raises(ClusterError, match="redis://host:port is wanted"):
        Server.at("redis", url)


def test_a_node_gets_the_address_of_its_line_and_the_rest_of_what_was_given() -> None:
    server = Server.at("postgres", "postgres://ana:s%40cret@db.example/class?sslmode=require")
    assert (server.host, server.port) == ("db.example", 5432)
    assert server.url_by(7000) == "postgres://ana:s%40cret@127.0.0.1:7000/class?sslmode=require"
