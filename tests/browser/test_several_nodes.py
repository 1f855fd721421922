"""Open windows behind a balancer that brings each request to another node, of which one is killed and comes back."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.room import NO_NETWORK, Room, badge, bubbles, say, shows_once
from tests.browser.test_restart import BACK, open_windows, sees_everybody
from tests.cluster.proxy import round_robin
from tests.servers import Postgres, Redis
from tests.web.browser import IN_A_BROWSER, windows_on

pytestmark = [*IN_A_BROWSER, pytest.mark.postgres, pytest.mark.redis]

MESSAGES = 100


@pytest.mark.timeout(240)
async def test_windows_lose_and_repeat_nothing_when_a_node_is_killed(make_server: Any) -> None:
    with Postgres() as postgres, Redis() as redis:
        settings = {"database_url": postgres.new_database(migrated=True), "backplane_url": redis.url}
        nodes = [make_server(**settings) for _ in range(2)]
        async with (
            round_robin([node.port for node in nodes], each_request=True) as proxy,
            windows_on(proxy.url) as windows,
            Room(proxy.url) as room,
        ):
            windows.allow(NO_NETWORK)
            pages = await open_windows(windows, room)
            for page in pages.values():
                await sees_everybody(page)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(room.talk(MESSAGES))
                await shows_once(pages["poll"], "mensaje 10")
                await asyncio.to_thread(nodes[0].kill)
                await shows_once(pages["poll"], f"mensaje {MESSAGES // 2}", deadline=BACK / 1000)
                await asyncio.to_thread(nodes[0].start)
            for rung, page in pages.items():
                await say(page, f"said on {rung}")
                await shows_once(page, f"said on {rung}", deadline=BACK / 1000)
            stored = [one["content"] for one in await room.stored()]
            assert stored[:MESSAGES] == [f"mensaje {number}" for number in range(1, MESSAGES + 1)]
            assert stored[MESSAGES:] == [f"said on {rung}" for rung in pages]
            for page in pages.values():
                await expect(bubbles(page)).to_have_text(stored, timeout=BACK)
                await expect(badge(page)).to_have_attribute("data-repeats", "0")
                await sees_everybody(page)
        for node in reversed(nodes):
            node.check_clean_end()
