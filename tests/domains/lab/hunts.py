"""Hunts and sweeps, as a client begins and follows them."""

from typing import Any, Final

import httpx

from quart_app.client import connect
from tests.running import ServerProcess

SLOW: Final = {"patience": 0.2, "delay": 0.6}
"""The knobs with which the till that repeats does so without end."""


async def begun(rest: httpx.AsyncClient, sort: str, **asked: Any) -> dict[str, Any]:
    answer = await rest.post(f"/api/lab/{sort}", json={"lesson": "delivery", "strategy": "retry", **asked})
    assert answer.status_code == 202, answer.text
    said: dict[str, Any] = answer.json()
    assert said["topic"] == f"lab/{sort}/{said['id']}"
    return said


async def heard(server: ServerProcess, topic: str, transport: str = "ws") -> list[dict[str, Any]]:
    """Return what a client is told of a hunt, from now on up to its end."""
    messages = []
    async with connect(server.url, topics=[topic], transports=[transport]) as live:
        async for message in live:
            if message.get("topic") == topic:
                messages.append(message)
                if message["type"] != "progress":
                    break
    return messages
