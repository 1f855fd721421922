"""The balancer brings each connection, or each request, to the next node that takes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.cluster.proxy import RoundRobin, round_robin
from tests.servers import free_port


@asynccontextmanager
async def node(name: str) -> AsyncIterator[int]:
    """Give the port of a node that answers every request with its name, and closes where it is told to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = True
        try:
            while kept and (head := await reader.readuntil(b"\r\n\r\n")):
                kept = b"connection: close" not in head.lower()
                close = b"" if kept else b"Connection: close\r\n"
                length = b"Content-Length: %d\r\n" % len(name)
                writer.write(b"HTTP/1.1 200 OK\r\n" + length + close + b"\r\n" + name.encode())
        except (OSError, asyncio.IncompleteReadError):
            pass  # its client has gone
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("each_request", "answered"), [(False, "first first, third third"), (True, "first third, first third")]
)
async def test_connections_or_requests_go_round_and_pass_over_a_node_that_refuses(
    each_request: bool, answered: str
) -> None:
    async with (
        node("first") as first,
        node("third") as third,
        round_robin([first, free_port(), third], each_request=each_request) as proxy,
    ):
        assert ", ".join([await two_requests(proxy), await two_requests(proxy)]) == answered
        assert set(proxy.node_of.values()) == {0, 2}


async def two_requests(proxy: RoundRobin) -> str:
    """Return who answers two requests of one client."""
    async with httpx.AsyncClient() as client:
        return " ".join([(await client.get(proxy.url)).text for _ in range(2)])
