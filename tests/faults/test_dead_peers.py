"""Peers that are gone without a word, or silent for ever, are found and let go."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import websockets

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.faults.sockets import read_websocket, request
from tests.running import ServerProcess, eventually

HEARTBEAT = 0.5  # s


async def _subscribers(client: httpx.AsyncClient, topic: str) -> int:
    topics = (await client.get("/api/topics")).json()["data"]
    return sum(sum(one["subscribers"].values()) for one in topics if one["topic"] == topic)


async def test_a_websocket_that_answers_no_ping_is_closed(make_server: Any) -> None:
    server = make_server(heartbeat=HEARTBEAT)
    peer = await request(server.port, "/ws/log/n", "ws")
    async with asyncio.timeout(20):
        types = [message["type"] async for message in read_websocket(peer)]
    assert types[0] == "connected"
    assert 0 < types.count("heartbeat") <= 2
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert await _subscribers(client, "log/n") == 0
    peer.close()


async def test_a_websocket_that_answers_pings_stays(make_server: Any) -> None:
    server = make_server(heartbeat=HEARTBEAT)
    async with asyncio.timeout(20), websockets.connect(f"ws://127.0.0.1:{server.port}/ws/log/n") as socket:
        for _ in range(6):
            await socket.recv()


@pytest.mark.parametrize("transport", ["ws", "sse"])
async def test_a_peer_that_takes_nothing_for_too_long_is_dropped(make_server: Any, transport: str) -> None:
    server = make_server(heartbeat=HEARTBEAT, peer_timeout=2)
    peer = await request(server.port, f"/{transport}/log/n", transport)
    events = [{"topic": "log/n", "type": "n", "data": "x" * 200} for _ in range(1000)]
    async with httpx.AsyncClient(base_url=server.url) as client:
        for _ in range(40):
            assert (await client.post("/api/publish", json=events)).status_code == 202
        await eventually(lambda: _gone(client, "log/n"), 20)
    peer.close()


async def _gone(client: httpx.AsyncClient, topic: str) -> bool:
    return await _subscribers(client, topic) == 0


NAMESPACE = "envivo-test"
HERE, THERE = "10.213.77.1", "10.213.77.2"


@pytest.fixture
def network() -> Iterator[None]:
    """A second host, in a network namespace, joined to this one by a cable that can be pulled."""
    for command in (
        f"ip netns add {NAMESPACE}",
        "ip link add envivo0 type veth peer name envivo1",
        f"ip link set envivo1 netns {NAMESPACE}",
        f"ip addr add {HERE}/24 dev envivo0",
        "ip link set envivo0 up",
        f"ip netns exec {NAMESPACE} ip addr add {THERE}/24 dev envivo1",
        f"ip netns exec {NAMESPACE} ip link set envivo1 up",
    ):
        _run(command)
    yield
    _run("ip link del envivo0")
    _run(f"ip netns del {NAMESPACE}")


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True)


@pytest.mark.namespaces
@pytest.mark.parametrize("transport", ["ws", "sse"])
@pytest.mark.usefixtures("network")
async def test_a_peer_whose_cable_is_pulled_is_let_go(make_server: Any, transport: str) -> None:
    secure = {"access": "secure", "secret_key": "a key for tests that nobody is to guess"}
    settings = {**secure, "host": HERE, "heartbeat": HEARTBEAT, "peer_timeout": 3}
    server: ServerProcess = make_server(**settings)
    token = _token(settings)
    program = (
        "import asyncio; from tests.faults.sockets import request\n"
        "async def main():\n"
        f"    peer = await request({server.port}, '/{transport}/log/n?token={token}', '{transport}', '{HERE}')\n"
        "    print('open', flush=True)\n"
        "    while True: await peer.receive()\n"
        "asyncio.run(main())"
    )
    command = ["ip", "netns", "exec", NAMESPACE, sys.executable, "-c", program]
    peer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert peer.stdout is not None
    assert await peer.stdout.readline() == b"open\n"
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as client:
        await eventually(lambda: _there(client, "log/n"), 10)
        await asyncio.to_thread(_run, f"ip netns exec {NAMESPACE} ip link set envivo1 down")
        await eventually(lambda: _gone(client, "log/n"), 30)
    peer.kill()
    await peer.wait()


async def _there(client: httpx.AsyncClient, topic: str) -> bool:
    return await _subscribers(client, topic) == 1


def _token(settings: dict[str, Any]) -> str:
    return issue_token(load_settings(**settings).front, Identity("1", "Ana"), timedelta(hours=1))
