"""Signing in and out in a real browser: what the header shows, and what happens to another tab."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity, TopicRights
from tests.running import ServerProcess
from tests.web.browser import DESK, IN_A_BROWSER, PHONE, Windows, windows_on
from tests.web.test_accessibility import AXE, OUTSIDE, RUN, UNLABELLED

pytestmark = IN_A_BROWSER

SECURE: dict[str, Any] = {"access": "secure", "secret_key": "a key for tests that nobody is to guess"}
NAME = "Ana María Fernández de la Vega"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), empty=0, **SECURE)
    yield server.start()
    server.check_clean_end()


@pytest_asyncio.fixture(loop_scope="session")
async def windows(secure: ServerProcess) -> AsyncIterator[Windows]:
    async with windows_on(secure.url) as windows:
        yield windows


def token(**rights: tuple[str, ...]) -> str:
    identity = Identity("7", NAME, rights=(TopicRights(**rights),) if rights else ())
    return issue_token(load_settings(**SECURE).front, identity, timedelta(hours=1))


async def sign_in(page: Page, windows: Windows, mine: str) -> None:
    await page.goto(f"{windows.url}/sign-in?next=/chat")
    await page.get_by_label("Tu token").fill(mine)
    await page.locator("main").get_by_role("button", name="Entrar").click()
    await page.wait_for_url("**/chat")


async def test_one_comes_in_is_named_and_goes_out_in_every_tab(windows: Windows) -> None:
    page = await windows.blank()
    await sign_in(page, windows, token())
    await expect(page.locator("#badge-slot")).to_have_attribute("data-state", "connected")
    await expect(page.locator("header .visitor")).to_contain_text(NAME)
    other = await page.context.new_page()
    await windows.visit(other, "/topics")
    await page.locator("header").get_by_role("button", name="Salir").click()
    await page.wait_for_url(f"{windows.url}/")
    await expect(page.locator("header").get_by_role("link", name="Entrar")).to_be_visible()
    await expect(other.locator("#badge-slot")).to_contain_text("Sin entrar")
    await page.goto(f"{windows.url}/chat")
    await expect(page.get_by_label("Tu token")).to_be_focused()


async def test_on_a_phone_the_name_stands_beside_the_badge(windows: Windows) -> None:
    page = await windows.blank(viewport=PHONE)
    await sign_in(page, windows, token())
    badge, name = page.locator("#badge-slot"), page.locator("header .visitor")
    await expect(badge).to_have_attribute("data-state", "connected")
    await expect(badge.locator(".badge")).to_contain_text("WebSocket")
    above, beside = await badge.bounding_box(), await name.bounding_box()
    assert above is not None
    assert beside is not None
    assert above["x"] + above["width"] <= beside["x"]
    assert abs(above["y"] + above["height"] / 2 - beside["y"] - beside["height"] / 2) < 3


async def test_a_page_does_not_ask_for_what_is_refused_anyway(windows: Windows) -> None:
    """The security log is for those who try, and not for everybody who opens a page."""
    page = await windows.blank()
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    await page.goto(f"{windows.url}/sign-in", wait_until="networkidle")
    await sign_in(page, windows, token(subscribe=("rooms/1",), publish=()))
    await page.wait_for_load_state("networkidle")
    assert opened == []
    await expect(page.locator(".badge")).to_have_count(0)
    await windows.visit(page, "/chat/1")
    await page.goto(windows.url)
    await expect(page.locator("#badge-slot")).to_contain_text("Sin permiso")  # it is live, and of other topics


async def test_a_token_for_some_topics_finds_these(windows: Windows) -> None:
    page = await windows.blank()
    await sign_in(page, windows, token(subscribe=("log/class/*",), publish=()))
    await windows.visit(page, "/topics")
    await expect(page.locator(".open-kinds a")).to_have_text(["log/class/hola"])
    await expect(page.get_by_label("Nombre")).to_have_value("log/class/")


async def test_until_when_is_told_by_the_clock_of_the_reader(windows: Windows) -> None:
    page = await windows.blank(timezone_id="Etc/GMT+6")
    await sign_in(page, windows, token())
    await page.goto(f"{windows.url}/sign-in")
    until = page.locator("main time")
    await expect(until).not_to_contain_text("UTC")
    told = datetime.fromisoformat(str(await until.get_attribute("datetime")))
    await expect(until).to_contain_text(f"{told.astimezone(timezone(timedelta(hours=-6))):%-H:%M}")


async def test_the_words_of_a_command_stay_whole(windows: Windows) -> None:
    page = await windows.blank(viewport=PHONE)
    await page.goto(f"{windows.url}/sign-in")
    lines = "words => words.map(word => [word.textContent, word.getClientRects().length])"
    shown = await page.locator("main code .whole").evaluate_all(lines)
    assert shown == [[word, 1] for word in ["envivo", "token", "--user", "7", "--name", "Ana"]]
    assert await page.locator("main code").text_content() == "envivo token --user 7 --name Ana"


async def test_the_home_page_is_live_for_a_stranger_who_signs_in(windows: Windows) -> None:
    page = await windows.blank()
    await page.goto(windows.url)
    await expect(page.locator("#badge-slot")).to_contain_text("Sin entrar")
    await expect(page.locator(".clap-button")).to_have_count(0)
    await page.locator("main").get_by_role("link", name="Entrar", exact=True).click()
    await page.get_by_label("Tu token").fill(token())
    await page.locator("main").get_by_role("button", name="Entrar").click()
    await page.wait_for_url(f"{windows.url}/")
    await expect(page.locator("#badge-slot")).to_have_attribute("data-state", "connected")
    await page.locator(".clap-button").click()
    await expect(page.locator("[data-count]")).to_have_text("1")


@pytest.mark.node
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
async def test_the_page_of_the_session_shuts_nobody_out(windows: Windows, screen: dict[str, int]) -> None:
    page = await windows.blank(viewport=screen, bypass_csp=True)
    for mine in (None, token(subscribe=("rooms/*", "log/class/*"), publish=())):
        if mine is not None:
            await sign_in(page, windows, mine)
        await page.goto(f"{windows.url}/sign-in")
        if mine is not None:
            await expect(page.locator(".rights")).to_contain_text("ningún tema")
        await page.add_script_tag(path=str(AXE))
        assert await page.evaluate(RUN, {}) == []
        assert await page.evaluate(UNLABELLED) == []
        assert await page.evaluate(OUTSIDE) == []
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
