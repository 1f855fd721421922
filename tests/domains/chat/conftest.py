import secrets
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.domains.chat.people import DEADLINE, Room, create_room
from tests.running import ServerProcess


@pytest.fixture
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE, cookies={"envivo_user": "rest"}) as client:
        yield client


@pytest.fixture
async def room(rest: httpx.AsyncClient) -> Room:
    return await create_room(rest, f"Sala {secrets.token_hex(6)}")
