from collections.abc import AsyncIterator

import httpx
import pytest

from tests.domains.clinic.practice import DEADLINE, Practice
from tests.running import ServerProcess


@pytest.fixture
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    cookies = {"envivo_user": "user_id=7&username=Ana"}
    async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE, cookies=cookies) as client:
        yield client


@pytest.fixture
def practice(rest: httpx.AsyncClient) -> Practice:
    return Practice(rest)
