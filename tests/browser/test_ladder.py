"""Down and up the ladder in a real browser, behind a proxy that does what proxies do."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.listener import Listener, timeline, watch_badge
from tests.browser.proxy import NONE, Fault, Proxy, proxy_to
from tests.browser.room import NO_NETWORK, Room, badge, bubbles, chat_both_ways, say, shows_once
from tests.running import ServerProcess, eventually
from tests.web.browser import IN_A_BROWSER, Windows, windows_on

pytestmark = IN_A_BROWSER

NO_STREAMS = Fault.REFUSE_UPGRADES | Fault.BUFFER_STREAMS
WALK = [
    (Fault.REFUSE_UPGRADES, "sse"),
    (NO_STREAMS, "poll"),
    (NONE, "ws"),
    (Fault.KILL_SOCKETS, "sse"),
    (NONE, "ws"),
]
MESSAGES = 1000
SPOKEN = 2 * len(WALK) + 2  # of them, in the windows
SETTLED = 30.0  # s; the last of a thousand messages on a busy machine
RUNG = 20_000.0  # ms until the page is on another rung; how fast the ladder itself was is looked up in its record


async def on_rung(page: Page, rung: str) -> None:
    await expect(badge(page)).to_have_attribute("data-transport", rung, timeout=RUNG)
    await expect(badge(page)).to_have_attribute("data-state", "connected", timeout=RUNG)


async def nothing_lost(page: Page) -> None:
    await expect(badge(page)).to_have_attribute("data-gaps", "0")
    await expect(badge(page)).to_have_attribute("data-repeats", "0")


@pytest.mark.parametrize(
    ("faults", "rung", "limit"), [(Fault.REFUSE_UPGRADES, "sse", 4.0), (NO_STREAMS, "poll", 10.0)], ids=["sse", "poll"]
)
async def test_a_newcomer_behind_such_a_proxy_soon_chats(
    server: ServerProcess, windows: Windows, proxy: Proxy, faults: Fault, rung: str, limit: float
) -> None:
    windows.allow(NO_NETWORK)
    proxy.afflict(faults)
    async with Room(server.url) as room:
        luis = await windows.open(f"/chat/{room.id}?user_id=2&username=Luis")
        ana = await windows.blank()
        await watch_badge(ana)
        await ana.goto(f"{proxy.url}/chat/{room.id}?user_id=1&username=Ana")
        await on_rung(ana, rung)
        changes = await timeline(ana)
        connected = next(change for change in changes if change["state"] == "connected")
        assert connected["transport"] == rung
        assert connected["at"] - changes[0]["at"] <= limit * 1000
        await chat_both_ways(ana, luis, "first words")
        await nothing_lost(ana)


async def test_sockets_that_die_in_their_first_seconds_are_left(
    server: ServerProcess, windows: Windows, proxy: Proxy
) -> None:
    windows.allow(NO_NETWORK)
    proxy.afflict(Fault.KILL_SOCKETS)
    async with Room(server.url) as room:
        luis = await windows.open(f"/chat/{room.id}?user_id=2&username=Luis")
        ana = await windows.blank()
        await watch_badge(ana)
        await ana.goto(f"{proxy.url}/chat/{room.id}?user_id=1&username=Ana")
        await on_rung(ana, "sse")
        opened = [change["transport"] for change in await timeline(ana) if change["state"] == "connected"]
        assert opened[-1] == "sse"
        assert opened.count("ws") == 3
        await chat_both_ways(ana, luis, "at last")
        await nothing_lost(ana)


async def test_a_pulled_cable_is_noticed_and_put_back_without_a_loss(server: ServerProcess, windows: Windows) -> None:
    windows.allow(NO_NETWORK)
    async with Room(server.url) as room:
        ana = await windows.open(f"/chat/{room.id}?user_id=1&username=Ana")
        await ana.context.set_offline(True)
        await expect(badge(ana)).to_have_attribute("data-state", "waiting")
        await expect(ana.locator(".badge")).to_contain_text("Sin conexión")
        await room.say("while she is away")
        await say(ana, "from under the sea")
        await expect(ana.locator(".pending .fate")).to_have_text("enviando…")
        await ana.context.set_offline(False)
        await on_rung(ana, "ws")
        await shows_once(ana, "while she is away")
        await shows_once(ana, "from under the sea")
        await nothing_lost(ana)


@pytest.mark.timeout(240)
async def test_a_thousand_messages_up_and_down_the_ladder(make_server: Any) -> None:
    server = make_server(heartbeat=1)
    async with windows_on(server.url) as windows, Room(server.url) as room, proxy_to(server.port) as proxy:
        windows.allow(NO_NETWORK)
        luis = await windows.open(f"/chat/{room.id}?user_id=2&username=Luis")
        ana = await windows.open(f"{proxy.url}/chat/{room.id}?user_id=1&username=Ana&retry=1000")
        listener = Listener(ana)
        await listener.follow(
            topics=[f"rooms/{room.id}"], params={"username": "Oyente"}, timing={"probeFirst": 1000, "probeMax": 1000}
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(room.talk(MESSAGES - SPOKEN))
            await walk(ana, luis, proxy)
            room.pace = 0
        await everything_arrived(room, (ana, luis), listener)


async def walk(ana: Page, luis: Page, proxy: Proxy) -> None:
    """Ana behind the proxy goes through every fault it has, and speaks with Luis in each."""
    for step, (faults, rung) in enumerate(WALK):
        if faults:
            proxy.afflict(faults)
        else:
            proxy.heal()
        await on_rung(ana, rung)
        await chat_both_ways(ana, luis, f"step {step}, on {rung}")
        await nothing_lost(ana)
    for faults in (Fault.BLACK_HOLE, Fault.CUT):
        proxy.afflict(faults)
        await expect(badge(ana)).not_to_have_attribute("data-state", "connected", timeout=RUNG)
        await say(ana, f"into {faults}")
        await expect(ana.locator(".pending .fate")).to_have_text("enviando…")
        proxy.heal()
        for window in (ana, luis):
            await shows_once(window, f"into {faults}", deadline=RUNG / 1000)
    await on_rung(ana, "ws")


async def everything_arrived(room: Room, windows: tuple[Page, ...], listener: Listener) -> None:
    """What is stored is what was said, and everybody has all of it, once and in order."""
    stored = await room.stored()
    assert len(stored) == MESSAGES
    by_eva = [one["content"] for one in stored if one["username"] == "Eva"]
    assert by_eva == [f"mensaje {number}" for number in range(1, MESSAGES - SPOKEN + 1)]
    for window in windows:
        await expect(bubbles(window)).to_have_count(MESSAGES, timeout=SETTLED * 1000)
        assert await bubbles(window).all_inner_texts() == [one["content"] for one in stored]
        await nothing_lost(window)
    last = stored[-1]["content"]
    await eventually(lambda: has_heard(listener, last), deadline=SETTLED)
    assert [data["content"] for data in await listener.heard("message")] == [one["content"] for one in stored]
    status = await listener.status()
    assert (status["gaps"], status["repeats"]) == (0, 0)


async def has_heard(listener: Listener, content: str) -> bool:
    return any(data["content"] == content for data in await listener.heard("message"))
