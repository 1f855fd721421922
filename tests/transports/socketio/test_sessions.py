"""Engine.IO by hand: sessions that move in mid-stream, and what no well-behaved client does."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.running import ServerProcess
from tests.transports.socketio.engine_io import Session
from tests.transports.socketio.world import publish


async def test_a_session_that_moves_to_a_websocket_in_mid_stream_loses_and_repeats_nothing(
    server: ServerProcess, rest: httpx.AsyncClient
) -> None:
    async with Session(server.url) as session:
        await session.connect()
        await publish(rest, range(100))
        await session.poll_until(lambda: session.names.count("n") >= 100)
        publishing = asyncio.create_task(publish(rest, range(100, 5000)))
        await session.upgrade()
        await publishing
        await session.read_until(lambda: session.names.count("n") >= 5000)
    assert [data["n"] for name, data in session.events if name == "n"] == list(range(5000))


async def test_a_session_that_polls_is_told_bye(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    async with Session(server.url) as session:
        await session.connect()
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        await session.poll_until(lambda: "bye" in session.names)
        assert await stopping == 0


@pytest.mark.parametrize("how", ["says nothing", "says nonsense", "stops half way"])
async def test_a_websocket_that_does_not_take_over_leaves_the_polls_as_they_are(
    server: ServerProcess, rest: httpx.AsyncClient, how: str
) -> None:
    async with Session(server.url) as session:
        await session.connect()
        async with session.websocket() as socket:
            if how != "says nothing":
                await socket.send("2probe" if how == "stops half way" else "nonsense")
            if how == "stops half way":
                assert await socket.recv() == "3probe"
        await publish(rest, range(5))
        await session.poll_until(lambda: session.names.count("n") >= 5)


@pytest.mark.parametrize(
    "frame",
    [
        "", "x", "9", "4", "42", "42{}", '42["disconnect"]', '42["connect",{}]', "4" + "[" * 60_000, "43[]", "45",
        '451-["n",{"_placeholder":true,"num":0}]', "40/other,", "41/other,", "4" + "0" * 70_000, b"\x00" * 100, "1",
    ],
)  # fmt: skip
async def test_nonsense_harms_nobody(server: ServerProcess, rest: httpx.AsyncClient, frame: str | bytes) -> None:
    async with Session(server.url) as victim, Session(server.url) as session:
        await victim.connect()
        await session.connect()
        await session.post(frame if isinstance(frame, str) else "bAAAA")
        async with Session(server.url) as other:
            await other.speak_over_websocket(frame)
        await publish(rest, range(1))
        await victim.poll_until(lambda: "n" in victim.names)


async def test_a_session_that_never_connects_is_ended(server: ServerProcess) -> None:
    async with Session(server.url) as session:
        await session.open()
        await session.poll_until(lambda: session.ended, deadline=8)


async def test_what_a_body_may_be(server: ServerProcess) -> None:
    async with Session(server.url) as session:
        await session.connect()
        assert (await session.post("4" * 100_000)).status_code == 413
        assert (await session.request("GET", params={"j": "0"})).status_code == 400
