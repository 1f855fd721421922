from collections.abc import AsyncIterator

import httpx
import pytest

from tests.running import ServerProcess


@pytest.fixture
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=15) as client:
        yield client
