"""Every page where WebSockets are refused on the way: live on an event stream, and in step with what others do."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.proxy import Fault, proxy_to
from tests.browser.room import NO_NETWORK, badge
from tests.running import ServerProcess
from tests.web.browser import IN_A_BROWSER, Windows, windows_on
from tests.web.pages import PAGES

pytestmark = IN_A_BROWSER

READING = {"reservoir_id": "EMBALSE_01", "temperature": 20, "ph": 7, "conductivity": 500, "water_level": 51.37}
PRODUCT = {"nombre": "Guayusa en hoja, 50 g", "precio": 3.25, "stock": 4}
PET = {"name": "Pichincha", "species": "Perro", "owner_name": "Carmen Aguirre"}
CHANGES = [
    ("/bank/1350509525", "/api/deposito", {"cedula": "1350509525", "monto": "0.37"}, "5.250,37"),
    ("/products", "/api/productos", PRODUCT, PRODUCT["nombre"]),
    ("/telemetry", "/api/sensors", READING, "51,4"),
    ("/clinic/owners", "/api/pets", PET, PET["name"]),
    ("/chat/1?username=Ana", "/api/rooms/1/messages?username=Luis", {"content": "¿me lees?"}, "¿me lees?"),
    ("/topics/live/x", "/api/publish", {"topic": "live/x", "type": "said", "data": "por aquí"}, "por aquí"),
]


@pytest.fixture(scope="module")
def full_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the demo data."""
    server = ServerProcess(tmp_path_factory.mktemp("server"), empty=0)
    yield server.start()
    server.check_clean_end()


@pytest_asyncio.fixture(loop_scope="session")
async def windows(full_server: ServerProcess) -> AsyncIterator[Windows]:
    async with proxy_to(full_server.port) as proxy:
        proxy.afflict(Fault.REFUSE_UPGRADES)
        async with windows_on(proxy.url) as windows:
            windows.allow(NO_NETWORK)
            yield windows


async def on_an_event_stream(windows: Windows, page: Page, path: str) -> None:
    await windows.visit(page, path)
    await expect(badge(page)).to_have_attribute("data-transport", "sse")


async def test_each_page_is_live(windows: Windows) -> None:
    page = await windows.blank()
    for path in PAGES:
        await on_an_event_stream(windows, page, path)


@pytest.mark.parametrize(("path", "resource", "change", "shown"), CHANGES, ids=[change[0] for change in CHANGES])
async def test_what_somebody_does_shows(
    full_server: ServerProcess, windows: Windows, path: str, resource: str, change: Any, shown: str
) -> None:
    page = await windows.blank()
    await on_an_event_stream(windows, page, path)
    async with httpx.AsyncClient(base_url=full_server.url) as somebody:
        assert (await somebody.post(resource, json=change)).is_success
    await expect(page.locator("main")).to_contain_text(shown)
    await expect(badge(page)).to_have_attribute("data-gaps", "0")
