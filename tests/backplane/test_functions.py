"""Functions on two servers of one database: a reaction runs on one of them, and goes on on the other."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import ServerProcess, eventually
from tests.servers import Postgres, Redis

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

SOURCE = """
import asyncio, os
from pathlib import Path
from quart_app.functions import command, on, publish

CALLS = Path({calls!r})

def note(*words):
    with CALLS.open("a") as file:
        print(os.getpid(), *words, file=file)

@on("log/in")
async def copy(message):
    note("copy", message["data"])
    publish("log/out", message["data"])
    await asyncio.sleep(0.02)

@on("log/slow")
async def slow(message):
    note("slow", message["data"])
    await asyncio.sleep(0.5)
    publish("log/slow-out", message["data"])
    publish("live/slow-out", message["data"])

@on("log/there")
def there(message):
    publish("log/back", message["data"] + 1)

@on("live/there")
def live_there(message):
    publish("live/back", message["data"] + 1)

@command("log/orders")
async def order(body, who):
    note("order", body["data"])
    cursor = await publish("log/ordered", body["data"])
    return {{"at": cursor, "pid": os.getpid()}}
"""
OF_THE_SECOND = """
@on("log/back")
def back(message):
    publish("log/there", message["data"] + 1)

@on("live/back")
def live_back(message):
    note("live", message["data"])
    publish("live/there", message["data"] + 1)
"""


class Cluster:
    """Two nodes with functions, of which the second has some that the first one has not; and what these have noted:
    the process, the function, the number."""

    def __init__(self, postgres: Postgres, redis: Redis, folder: Path) -> None:
        self._calls = folder / "calls"
        self._postgres = postgres
        source = SOURCE.format(calls=str(self._calls))
        url = postgres.new_database(migrated=True)
        self._database = url.rsplit("/", 1)[1]
        self.nodes = []
        for name, more in (("first", ""), ("second", OF_THE_SECOND)):
            (folder / name).mkdir()
            (folder / name / "my_feeds.py").write_text(source + more, "utf-8")
            node = ServerProcess(folder / name, "--functions", "my_feeds.py", database_url=url, backplane_url=redis.url)
            self.nodes.append(node.start())

    def calls(self, function: str) -> list[tuple[int, int]]:
        """The calls of a function in their order: the process and the number."""
        text = self._calls.read_text("utf-8") if self._calls.exists() else ""
        told = [line.split() for line in text.splitlines()]
        return [(int(pid), int(number)) for pid, name, number in told if name == function]

    def leader(self, function: str) -> ServerProcess:
        """The node that has called a function last."""
        pid = self.calls(function)[-1][0]
        return next(node for node in self.nodes if node.pid == pid)

    def other(self, node: ServerProcess) -> ServerProcess:
        return next(one for one in self.nodes if one is not node)

    async def send(self, topic: str, data: int, node: ServerProcess | None = None) -> None:
        """Publish by a node or, where none is named, by one and the other in turn."""
        url = (node or self.nodes[data % 2]).url
        async with httpx.AsyncClient(base_url=url) as client:
            message = {"topic": topic, "type": "n", "data": data}
            (await client.post("/api/publish", json=message)).raise_for_status()

    async def runs_on(self, function: str, asked: ServerProcess) -> str | None:
        """Return the node on which a function runs, as the page of its topic is told by one of them."""
        async with httpx.AsyncClient(base_url=asked.url) as client:
            answer = await client.get("/poll/functions?wait=0")
        told = [one["data"]["functions"] for one in answer.json()["messages"] if one["type"] == "functions"]
        return next((one["node"] for functions in told for one in functions if one["name"] == function), None)

    async def all_know_that(self, function: str, node: ServerProcess) -> bool:
        """Tell whether all nodes say that a function runs on this one."""
        nodes = [await self.runs_on(function, asked) for asked in self.nodes if asked.running()]
        return all((name or "").endswith(f"-{node.pid}") for name in nodes)

    async def order(self, node: ServerProcess, data: int, key: str) -> Any:
        """Send an order, and return the message that comes back."""
        message = {"type": "order", "data": data, "key": key}
        who = {"user_id": "7", "username": "Ana"}
        async with httpx.AsyncClient(base_url=node.url) as client:
            answer = await client.post("/send/log/orders", params=who, json=message)
        return answer.json()["messages"][0]

    def stored(self, topic: str) -> list[int]:
        """The numbers in a topic of the log, in their order."""
        select = f"SELECT (fields::json->>'data')::int FROM event_log WHERE topic = '{topic}' ORDER BY position"
        return [int(line) for line in self._postgres.sql(select, self._database).splitlines()]

    def let_lease_run_out(self, name: str) -> None:
        """Let a lease have run out just now, so that another node can take it."""
        self._postgres.sql(f"UPDATE leases SET expires_at = 1 WHERE name = '{name}'", self._database)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Postgres() as postgres, Redis() as redis:
        cluster = Cluster(postgres, redis, tmp_path_factory.mktemp("cluster"))
        yield cluster
        for node in cluster.nodes:
            node.check_clean_end()


async def test_a_command_with_a_key_is_answered_as_on_the_other_node(cluster: Cluster) -> None:
    one, other = cluster.nodes
    first = await cluster.order(one, 1, "k")
    assert first["data"]["pid"] == one.pid
    assert (await cluster.order(other, 1, "k"))["data"] == first["data"]
    assert (await cluster.order(other, 2, "k"))["data"]["code"] == "key_reused"
    assert (await cluster.order(other, 2, "l"))["data"]["pid"] == other.pid
    assert [number for _, number in cluster.calls("order")] == [1, 2]
    assert cluster.stored("log/ordered") == [1, 2]


async def test_reactions_that_hear_each_other_over_nodes_come_to_an_end(cluster: Cluster) -> None:
    for topic in ("log/there", "live/there"):
        await cluster.send(topic, 0)
    second = cluster.nodes[1]
    for name in ("back", "live_back"):  # it heard the seventh message, in the eighth reaction
        await eventually(partial(_fails, second, name))
    assert cluster.stored("log/back") == [1, 3, 5, 7]
    assert cluster.stored("log/there") == [0, 2, 4, 6]
    assert {number for _, number in cluster.calls("live")} == {1, 3, 5, 7}


def _fails(node: ServerProcess, name: str) -> bool:
    lines = node.log().splitlines()
    return any(f"failed: {name} (" in line and "does this one hear itself?" in line for line in lines)


async def test_what_a_stopped_leader_does_too_late_is_refused(cluster: Cluster) -> None:
    """It is stopped in the middle of a call, until the other one has begun with the same event."""
    await cluster.send("log/slow", 1)
    await eventually(lambda: cluster.calls("slow"), 10)
    leader = cluster.leader("slow")
    other = cluster.other(leader)
    leader.send_signal(signal.SIGSTOP)
    try:
        cluster.let_lease_run_out("on log/slow slow")
        await eventually(lambda: cluster.leader("slow") is other, 10)
    finally:
        leader.send_signal(signal.SIGCONT)
    await cluster.send("log/slow", 2, other)
    await eventually(lambda: cluster.stored("log/slow-out") == [1, 2], 10)
    assert [number for pid, number in cluster.calls("slow") if pid == other.pid] == [1, 2]
    await eventually(lambda: "slow (my_feeds.py:18) has lost its lease" in leader.log())


async def test_a_reaction_goes_on_on_another_node_when_its_own_is_gone(cluster: Cluster) -> None:
    """30 events over an orderly end of the leader, and 30 over a kill: each once in the log, and in the first case each
    one call."""
    for number in range(15):
        await cluster.send("log/in", number)
    await eventually(lambda: len(cluster.calls("copy")) > 3)
    first = cluster.leader("copy")
    await eventually(partial(cluster.all_know_that, "copy", first))
    stopping = asyncio.create_task(asyncio.to_thread(first.stop))
    second = cluster.other(first)
    for number in range(15, 30):
        await cluster.send("log/in", number, second)
    assert await stopping == 0
    await eventually(lambda: cluster.stored("log/out") == list(range(30)), 10)
    assert [number for _, number in cluster.calls("copy")] == list(range(30))
    assert cluster.leader("copy") is second
    await asyncio.to_thread(first.start)
    await eventually(partial(cluster.all_know_that, "copy", second))

    for number in range(30, 45):
        await cluster.send("log/in", number)
    await eventually(lambda: len(cluster.calls("copy")) > 33)
    second.kill()
    for number in range(45, 60):
        await cluster.send("log/in", number, first)
    await eventually(lambda: cluster.stored("log/out") == list(range(60)), 20)
    assert await cluster.all_know_that("copy", first)
    calls = [number for _, number in cluster.calls("copy")]
    by_killed = [number for pid, number in cluster.calls("copy")[30:] if pid == second.pid]
    doubled = [number for number, count in Counter(calls).items() if count > 1]
    assert set(calls) == set(range(60))
    # It could not note any more how far it had come: what it heard last was heard again.
    assert doubled == by_killed[len(by_killed) - len(doubled) :]
    assert all(calls.count(number) == 2 for number in doubled)
    await asyncio.to_thread(second.start)
