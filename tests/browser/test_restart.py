"""The server ends under open windows, in an orderly way and as in a power cut, and comes back."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.listener import timeline, watch_badge
from tests.browser.room import NO_NETWORK, Room, badge, bubbles, say, shows_once
from tests.running import ServerProcess
from tests.web.browser import IN_A_BROWSER, Windows, windows_on

pytestmark = IN_A_BROWSER

PEOPLE = {"ws": "Ana", "sse": "Luis", "poll": "Eli"}
MESSAGES = 200
BACK = 45_000.0  # ms; up to 3 s that the server asked for, a growing back-off, and a busy machine


async def open_windows(windows: Windows, room: Room) -> dict[str, Page]:
    """One person on each rung, and nothing but that rung."""
    pages = {}
    for rung, name in PEOPLE.items():
        page = await windows.blank()
        await watch_badge(page)
        await windows.visit(page, f"/chat/{room.id}?user_id={name.lower()}&username={name}&transports={rung}")
        pages[rung] = page
    return pages


async def sees_everybody(page: Page) -> None:
    people = page.locator("[data-list=online] .person strong")
    await expect(people).to_have_text(sorted(PEOPLE.values()), timeout=BACK)


def restart(server: ServerProcess, ending: str) -> None:
    if ending == "killed":
        server.kill()
    else:
        assert server.stop() == 0
    server.start()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("ending", ["killed", "stopped"])
async def test_open_windows_wait_and_go_on_where_they_were(make_server: Any, ending: str) -> None:
    server = make_server()
    async with windows_on(server.url) as windows, Room(server.url) as room:
        windows.allow(NO_NETWORK)
        pages = await open_windows(windows, room)
        for page in pages.values():
            await sees_everybody(page)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(room.talk(MESSAGES))
            await shows_once(pages["poll"], "mensaje 20")
            await asyncio.to_thread(restart, server, ending)
        for rung, page in pages.items():
            await say(page, f"back on {rung}")
            await shows_once(page, f"back on {rung}", deadline=BACK / 1000)
        stored = [one["content"] for one in await room.stored()]
        assert stored == [f"mensaje {number}" for number in range(1, MESSAGES + 1)] + [f"back on {r}" for r in pages]
        for rung, page in pages.items():
            await expect(bubbles(page)).to_have_text(stored, timeout=BACK)
            await expect(badge(page)).to_have_attribute("data-state", "connected")
            await expect(badge(page)).to_have_attribute("data-gaps", "0")
            await expect(badge(page)).to_have_attribute("data-repeats", "0")
            await sees_everybody(page)
            assert_waited(await timeline(page), rung)
        assert await room.online() == set(PEOPLE.values())


def assert_waited(changes: list[dict[str, Any]], rung: str) -> None:
    """The badge said that there was no connection, and that there is one again, on the same rung."""
    states = [change["state"] for change in changes]
    assert "waiting" in states[states.index("connected") :]
    assert (changes[-1]["state"], changes[-1]["transport"]) == ("connected", rung)
