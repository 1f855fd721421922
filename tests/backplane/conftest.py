"""A Redis of the tests' own."""

import socket
from collections.abc import Iterator

import pytest

from tests.servers import Postgres, Redis


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server, shared by all tests, each of which has databases of its own."""
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A running server."""
    with Redis() as server:
        yield server


def ask(redis: Redis, *words: str) -> str:
    """Send a server a command; return the first line of the answer."""
    with socket.create_connection(("127.0.0.1", redis.port), timeout=5) as line:
        line.sendall(" ".join(words).encode() + b"\r\n")
        return line.makefile().readline().strip()
