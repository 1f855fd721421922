"""Who is speaking: tokens in secure mode, and servers with a certificate of their own."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Callable

import pytest

from quart_app.client import TRANSPORTS, Closed, State
from tests.client.between import between
from tests.client.traffic import DEADLINE, client, fresh, numbers, publish, reaches, until
from tests.running import ServerProcess, eventually

MakeServer = Callable[..., ServerProcess]
SECRET = "a secret of forty characters for the test"


def token(user: str, name: str) -> str:
    """What `envivo token` prints."""
    command = [sys.executable, "-m", "quart_app", "token", "--user", user, "--name", name, "--secret-key", SECRET]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


async def test_a_token_speaks_for_its_user_on_every_transport(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server, access="secure", secret_key=SECRET)
    ana = await asyncio.to_thread(token, "7", "Ana")
    for transport in TRANSPORTS:
        params = {"token": ana, "user_id": "8", "username": "Eve"}
        async with client(server.url, "rooms/1", transports=[transport], params=params) as live:
            await live.opened()
            await live.send("rooms/1", {"type": "message", "content": transport})
            heard = (await until(live, "message"))["data"]
            assert (heard["user_id"], heard["username"], heard["content"]) == (7, "Ana", transport)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_without_a_valid_token_it_stops(make_server: MakeServer, transport: str) -> None:
    server = await asyncio.to_thread(make_server, access="secure", secret_key=SECRET)
    for params in ({}, {"token": "forged"}):
        async with client(server.url, "rooms/1", transports=[transport], params=params) as live:
            with pytest.raises(Closed) as closed:
                await asyncio.wait_for(anext(live), DEADLINE)
            assert closed.value.code == 4401


async def test_a_certificate_of_its_own_authority(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server, "--tls")
    assert isinstance(server.tls, ssl.SSLContext)
    for transport in TRANSPORTS:
        topic = fresh()
        async with client(server.url, topic, transports=[transport], tls=server.tls) as live:
            await live.opened()
            await publish(live, topic, 1, 2)
            assert await numbers(live, 2) == [1, 2]
            assert (await live.send(topic, {"type": "x", "data": {}}))["type"] == "published"


async def test_a_certificate_nobody_vouches_for_is_not_trusted_and_not_asked_again(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server, "--tls")
    for transport in TRANSPORTS:
        async with client(server.url, fresh(), transports=[transport]) as live:
            with pytest.raises(Closed, match=r"certificate is not trusted.*--ca") as closed:
                await asyncio.wait_for(anext(live), DEADLINE)
            assert closed.value.code is None
            assert [attempt.outcome for attempt in live.status.why] == ["untrusted"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_portal_with_a_certificate_of_its_own_is_waited_for_by_who_was_connected(
    make_server: MakeServer, transport: str
) -> None:
    """It gets nothing to read, and the client is back when the portal is gone."""
    server, portal = [await asyncio.to_thread(make_server, "--tls") for _ in range(2)]
    topic = fresh()
    async with between(server.port) as proxy:
        url = proxy.url.replace("http:", "https:")
        async with client(url, topic, transports=[transport], tls=server.tls) as live:
            await live.opened()
            proxy.port = portal.port
            proxy.cut()
            await eventually(lambda: "untrusted" in [attempt.outcome for attempt in live.status.why], DEADLINE)
            proxy.port = server.port
            await reaches(live, state=State.CONNECTED)
            await publish(live, topic, 1)
            assert await numbers(live, 1) == [1]
