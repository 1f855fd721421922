"""A chat room as its people see it in windows, and as somebody without a browser speaks in it."""

import asyncio
import itertools
import ssl
from typing import Any, Self

import httpx
from playwright.async_api import Locator, Page, expect

from tests.running import eventually

PAGE = 100  # messages asked for at once
PAUSE = 0.5  # s before a speaker tries again
# What a browser itself writes to its console when it cannot reach the server.
NO_NETWORK = "Failed to load resource|WebSocket connection to|ERR_[A-Z_]+"
_names = itertools.count(1)


def badge(page: Page) -> Locator:
    return page.locator("#badge-slot")


def bubbles(page: Page) -> Locator:
    return page.locator(".message .bubble")


async def say(page: Page, content: str) -> None:
    await page.locator("#content").fill(content)
    await page.locator("#content").press("Enter")


async def shows_once(page: Page, content: str, deadline: float | None = None) -> None:
    """The message stands there, from the server and no more as one on its way, and only once."""
    timeout = None if deadline is None else deadline * 1000
    saying = page.get_by_text(content, exact=True)
    await expect(page.locator(".message:not(.pending)").filter(has=saying)).to_have_count(1, timeout=timeout)
    await expect(page.locator(".message").filter(has=saying)).to_have_count(1, timeout=timeout)


async def chat_both_ways(one: Page, other: Page, word: str) -> None:
    """What either says arrives at the other."""
    for speaker, name in ((one, "one"), (other, "other")):
        await say(speaker, f"{word}, says {name}")
        for window in (one, other):
            await shows_once(window, f"{word}, says {name}")


class Room:
    """A room of its own at the server at `url`, and Eva, who speaks in it without a browser.

    What she says counts as said once she has its 201; until then she repeats it, with the same key.
    """

    def __init__(self, url: str, tls: ssl.SSLContext | bool = True) -> None:
        self.id = 0
        self.said = 0
        self.pace = 0.02
        self._client = httpx.AsyncClient(
            base_url=url, params={"user_id": "eva", "username": "Eva"}, timeout=10, verify=tls
        )

    async def __aenter__(self) -> Self:
        answer = await self._client.post("/api/rooms", json={"name": f"Sala de pruebas {next(_names)}"})
        self.id = answer.json()["data"]["id"]
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def say(self, content: str) -> None:
        """Say it until the server has it."""
        key = f"eva {self.id} {content}"
        await eventually(lambda: self._post(content, key), deadline=30)
        self.said += 1

    async def talk(self, total: int) -> None:
        """Say `total` numbered messages, one after another, with a breath of `pace` s between them."""
        for number in range(1, total + 1):
            await self.say(f"mensaje {number}")
            await asyncio.sleep(self.pace)

    async def stored(self) -> list[dict[str, Any]]:
        """All messages of the room as the server has stored them, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            asked = {"limit": PAGE} | ({"before": found[0]["id"]} if found else {})
            older = (await self._client.get(f"/api/rooms/{self.id}/messages", params=asked)).json()["data"]
            found = older + found
            if len(older) < PAGE:
                return found

    async def online(self) -> set[str]:
        """Who is here, for the server."""
        answer = await self._client.get(f"/api/rooms/{self.id}/presence")
        return {user["username"] for user in answer.json()["data"]["online"]}

    async def connections(self) -> int:
        """The connections that follow the room."""
        rooms = (await self._client.get("/ws/stats")).json()["rooms"]
        return int(rooms.get(str(self.id), {}).get("connections", 0))

    async def _post(self, content: str, key: str) -> bool:
        headers = {"Idempotency-Key": key}
        try:
            answer = await self._client.post(
                f"/api/rooms/{self.id}/messages", json={"content": content}, headers=headers
            )
        except httpx.TransportError:
            await asyncio.sleep(PAUSE)
            return False
        assert answer.status_code in {201, 503}, answer.text
        return answer.status_code == 201
