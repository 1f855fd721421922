from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.domains.bank.accounts import Account, open_account
from tests.domains.chat.people import DEADLINE
from tests.running import ServerProcess

STATS_INTERVAL = 0.2  # s


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose counters do not keep a test waiting."""
    server = ServerProcess(tmp_path_factory.mktemp("server"), stats_interval=STATS_INTERVAL)
    yield server.start()
    server.check_clean_end()


@pytest.fixture
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE, cookies={"envivo_user": "rest"}) as client:
        yield client


@pytest.fixture
async def account(rest: httpx.AsyncClient) -> Account:
    """With a hundred dollars in it."""
    return await open_account(rest, 100)
