"""Every fault befalls a server that writes past ASGI, and one that does not."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.running import ServerProcess


@pytest.fixture(params=["direct", "ordinary"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_server(make_server: Callable[..., ServerProcess], way: str) -> Callable[..., ServerProcess]:
    """As tests/conftest.py has it, for a server of each way."""
    made: Callable[..., Any] = partial(make_server, environment={"TESTS_WAY": way})
    return made
