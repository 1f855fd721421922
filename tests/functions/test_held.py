"""A function that holds the event loop for ever: signals still end the server."""

import asyncio
import signal
import time

import httpx
import pytest

from tests.functions.conftest import Serve
from tests.running import ServerProcess, ended_by, eventually, wait_until

SOURCE = """
import asyncio, time
from quart_app.functions import command

@command("live/hold")
async def hold(body, who):
    print("holding", flush=True)
    while True:
        {step}
"""
DEADLINE = 10.0  # s from the signal until the process ends whatever still runs


async def _hold(server: ServerProcess) -> None:
    """Have the function called, and wait until it has begun."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        asking = asyncio.create_task(client.post("/send/live/hold", json={"type": "hold"}))
        await eventually(lambda: "holding" in server.log())
        asking.cancel()


@pytest.mark.parametrize("step", ["pass", "time.sleep(3600)"])
async def test_a_second_signal_ends_it_at_once(serve: Serve, step: str) -> None:
    server, _ = await asyncio.to_thread(serve, SOURCE.format(step=step))
    await _hold(server)
    server.send_signal(signal.SIGINT)
    await eventually(lambda: "Ctrl-C again" in server.log())
    await eventually(lambda: ended_by(signal.SIGINT, server), 3)
    assert server.wait() == 130


async def test_one_signal_ends_it_after_the_deadline_and_says_what_holds_it(serve: Serve) -> None:
    server, file = await asyncio.to_thread(serve, SOURCE.format(step="time.sleep(3600)"))
    await _hold(server)
    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(server.wait, DEADLINE + 5) == 1
    assert time.monotonic() - began >= DEADLINE
    line = file.read_text().splitlines().index("        time.sleep(3600)") + 1
    wait_until(lambda: f"my_feeds.py, line {line}" in server.log())
