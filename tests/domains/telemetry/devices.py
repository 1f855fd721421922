"""What the tests of alerts share: readings that devices send, and a client of the older system."""

import asyncio
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

Json = dict[str, Any]

FINE = {"temperature": 20.0, "ph": 7.0, "conductivity": 400.0, "water_level": 60.0}
COUNTS = ("total", "critical", "warning", "info")
_numbers = itertools.count(1)


def new_reservoir() -> str:
    """A name that no other test has."""
    return f"POZO_{next(_numbers)}"


def ago(**span: float) -> str:
    """The time so long ago, as a device would write it."""
    return (datetime.now(UTC) - timedelta(**span)).isoformat(timespec="milliseconds")


async def send(rest: httpx.AsyncClient, reservoir_id: str, **measures: Any) -> Json:
    """Store a reading that is fine but for `measures`."""
    answer = await rest.post("/api/sensors", json={"reservoir_id": reservoir_id, **FINE, **measures})
    assert answer.status_code == 201, answer.text
    reading: Json = answer.json()["data"]
    return reading


async def alerts_of(rest: httpx.AsyncClient, reservoir_id: str, **question: Any) -> list[Json]:
    """The alerts of one reservoir, newest first."""
    answer = await rest.get("/api/alerts", params={"reservoir_id": reservoir_id, **question})
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["data"]
    return found


async def dismiss(rest: httpx.AsyncClient, alert_id: Any, path: str = "/api/alerts/dismiss") -> httpx.Response:
    return await rest.post(path, json={"alert_id": alert_id})


class OldClient:
    """The alert list of the older system: plain WebSocket, JSON, nothing of ours."""

    def __init__(self, url: str, query: str = "") -> None:
        self._address = f"{url.replace('http', 'ws', 1)}/ws/alerts{query}"
        self._stream: ClientConnection

    async def __aenter__(self) -> Self:
        self._stream = await connect(self._address, proxy=None)
        self.welcome = await self.hear()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.close()

    async def say(self, **message: Any) -> None:
        await self._stream.send(json.dumps(message))

    async def hear(self) -> Json:
        message: Json = json.loads(await asyncio.wait_for(self._stream.recv(), 10))
        return message

    async def hear_of(self, reservoir_id: str) -> Json:
        """The next news of a reservoir's alerts."""
        while True:
            message = await self.hear()
            if message.get("data", {}).get("alert", {}).get("reservoir_id") == reservoir_id:
                return message
