"""Fixtures of the tests that put something between the browser and the server, or take the server away."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.browser.proxy import Proxy, proxy_to
from tests.running import ServerProcess


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(server: ServerProcess) -> AsyncIterator[Proxy]:
    async with proxy_to(server.port) as proxy:
        yield proxy
