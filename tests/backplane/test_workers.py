"""`envivo serve --workers`: several processes at the doors of one, which come and go without anybody being refused."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.running import ServerProcess, eventually, wait_until
from tests.servers import Postgres, Redis, free_port

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

EACH_ITS_OWN = httpx.Limits(max_keepalive_connections=0)  # each request a connection of its own
NAMES = {"class-1", "class-2"}


class Served(ServerProcess):
    """The program itself, which starts itself again as its workers."""

    module = "quart_app"

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children()


@pytest.fixture
def shared(postgres: Postgres, redis: Redis) -> dict[str, Any]:
    return {"backplane_url": redis.url, "database_url": postgres.new_database(migrated=True)}


@pytest.fixture
def serve(tmp_path: Path, shared: dict[str, Any]) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def make(*arguments: str, **settings: Any) -> Served:
        started.append(Served(tmp_path, *arguments, node="class", workers=2, **shared, **settings))
        return started[-1].start()  # type: ignore[return-value]  # it returns itself

    yield make
    for server in started:
        server.check_clean_end()


async def answered_in_the_end(server: Served) -> None:
    """Ask, and once more where the worker left in the very moment in which the request came, as browsers do; nobody is
    refused a connection."""
    try:
        await answering(server.url, server)
    except (httpx.RemoteProtocolError, httpx.ReadError, AssertionError):
        await answering(server.url, server)


async def answering(url: str, server: Served, times: int = 1) -> Counter[str]:
    """Return which nodes answer so many connections."""
    nodes: Counter[str] = Counter()
    async with httpx.AsyncClient(verify=server.tls, timeout=30, limits=EACH_ITS_OWN) as client:
        for _ in range(times):
            answer = await client.get(f"{url}/health")
            assert answer.status_code == 200, f"{answer.text}\n{server.log()}"
            nodes[answer.json()["data"]["node"]] += 1
    return nodes


async def test_workers_share_all_doors_and_are_replaced_without_refusing_anybody(serve: Callable[..., Served]) -> None:
    side = free_port()
    server = await asyncio.to_thread(serve, "--tls", door=f"side=127.0.0.1:{side},open", log_file="logs/class.log")
    for url in (server.url, f"https://127.0.0.1:{side}"):
        nodes = await answering(url, server, times=40)
        assert nodes.keys() == NAMES
        assert min(nodes.values()) > 4
    assert server.log().count("En Vivo: https://") == server.log().count("En Vivo (side): https://") == 1
    assert {path.name for path in (server.folder / "logs").iterdir()} == {"class-1.log", "class-2.log"}

    before = server.workers()
    server.send_signal(signal.SIGHUP)
    gone = asyncio.create_task(asyncio.to_thread(psutil.wait_procs, before, 60))
    while not gone.done():
        await answered_in_the_end(server)
    assert (await gone)[1] == [], "a worker was not replaced"
    assert len(server.workers()) == 2

    server.workers()[-1].kill()
    await eventually(lambda: "worker 2 has ended with exit code 137; another one starts now" in server.log(), 20)
    assert (await answering(server.url, server, times=40)).keys() == NAMES
    server.workers()[-1].kill()
    await eventually(lambda: "worker 2 has ended with exit code 137; another one starts in 1 s" in server.log(), 20)

    async def both_answer() -> bool:
        return (await answering(server.url, server, times=10)).keys() == NAMES

    await eventually(both_answer, 20)

    workers = server.workers()
    assert await asyncio.to_thread(server.stop) == 0
    assert not any(worker.is_running() for worker in workers)


def test_workers_do_not_outlive_their_parent(serve: Callable[..., Served]) -> None:
    server = serve()
    workers = server.workers()
    server.kill()
    wait_until(lambda: not any(worker.is_running() for worker in workers), 20)


def test_workers_that_cannot_start_are_told_of_once(tmp_path: Path, shared: dict[str, Any]) -> None:
    server = Served(tmp_path, "--server", "backlogg=3", workers=2, **shared)
    server.launch()
    assert server.wait(30) == 1
    assert server.log() == "En Vivo cannot start: backlogg is not a key of Hypercorn's configuration\n"
