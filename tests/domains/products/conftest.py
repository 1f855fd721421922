from collections.abc import AsyncIterator

import httpx
import pytest

from tests.domains.products.clerks import DEADLINE
from tests.running import ServerProcess


@pytest.fixture
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
        yield client
