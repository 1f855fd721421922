"""Whoever fills all states that everybody may fill stops no other: the review's H4."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.realtime import limits
from tests.hostile.users import DEADLINE, answers, as_user, connected, resident, secure_server
from tests.inside import serving
from tests.secure import SECURE

GROWTH = 40 * 1024 * 1024  # bytes
READING = {"reservoir_id": "EMBALSE_09", "temperature": 18.5, "ph": 7.1, "conductivity": 310.0, "water_level": 80.0}


def values(count: int, size: int, topics: int = 1) -> list[dict[str, Any]]:
    """Return messages that make `count` values of so many bytes, in as many `topics`."""
    return [{"topic": f"state/m{number % topics}", "type": f"v{number}", "data": "x" * size} for number in range(count)]


async def stats_go_on(socket: Any, count: int = 3) -> None:
    """Wait for messages of the topic `stats`."""
    async with asyncio.timeout(DEADLINE):
        while count:
            count -= json.loads(await socket.recv())["topic"] == "stats"


async def shown(device: httpx.AsyncClient, reservoir: str) -> None:
    """Post a reading, and find it on the topic `sensors`."""
    assert (await device.post("/api/sensors", json=READING | {"reservoir_id": reservoir})).status_code == 201
    messages = (await device.get("/poll/sensors?wait=0")).json()["messages"]
    assert reservoir in [one["data"]["reservoir_id"] for one in messages if one["type"] == "sensor_update"]


async def test_values_as_large_and_as_many_as_they_can_be(tmp_path: Path) -> None:
    with secure_server(tmp_path, stats_interval=0.05) as server:
        before = resident(server)
        topics = [f"state/m{number}" for number in range(20)]
        async with connected(server.url, "mallory", *topics) as mallory:
            await fill(server.url, mallory)
        assert resident(server) - before < GROWTH


async def fill(url: str, mallory: Any) -> None:
    """Hold all the values that one user can, while others go on."""
    async with (
        connected(url, "victim", "stats") as victim,
        as_user(url, "device", "admin") as device,
        as_user(url, "somebody") as somebody,
        as_user(url, "mallory") as rest,
    ):
        await stats_go_on(victim)
        large = await answers(mallory, values(120, 60_000, topics=20))
        assert large == {"published": 16, "quota_state_bytes": 104}
        many = await answers(mallory, values(500, 1, topics=20))
        assert many == {"published": 16 + 184, "quota_state_keys": 300}  # 16 of them are small now
        await stats_go_on(victim)
        await shown(device, "EMBALSE_77")
        own = await somebody.post("/api/publish", json={"topic": "state/m0", "type": "own", "data": "x" * 2_000})
        assert own.status_code == 202
        kept = (await somebody.get("/poll/state/m0?wait=0")).json()["messages"]
        assert "own" in [one["type"] for one in kept]
        refused = await rest.post("/api/publish", json={"topic": "state/new", "type": "n"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "quota_state_keys")


async def test_when_all_open_values_are_as_large_as_they_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STATE_BYTES", 300_000)
    settings = SECURE | {"stats_interval": 0.05}
    async with serving(tmp_path / "envivo.db", **settings) as (_, url), contextlib.AsyncExitStack() as kept:
        for user in ("mallory", "trudy"):
            socket = await kept.enter_async_context(connected(url, user, f"state/{user}"))
            messages = [one | {"topic": f"state/{user}"} for one in values(10, 20_000)]
            told = await answers(socket, messages)
        assert told["too_much_state"] == 6
        for size in (1_000, 100, 1):  # up to the brim
            smaller = [one | {"topic": "state/trudy", "type": f"{size}{one['type']}"} for one in values(30, size)]
            assert (await answers(socket, smaller))["too_much_state"] > 0
        victim = await kept.enter_async_context(connected(url, "victim", "stats"))
        await stats_go_on(victim)
        async with as_user(url, "device", "admin") as device:
            await shown(device, "EMBALSE_78")
            refused = await device.post("/api/publish", json={"topic": "state/x", "type": "n", "data": "x" * 30_000})
            assert refused.json()["error"]["code"] == "too_much_state"
