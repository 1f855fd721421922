"""Clients that ask once and close, as curl does, are no longer there: a server with few descriptors serves on."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import httpx
import psutil
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded

from tests.running import ServerProcess, eventually

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

DESCRIPTORS = 128
CLIENTS = 600
AT_ONCE = 20
DEADLINE = 10.0  # s for one client
_REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _asks(streams: Streams) -> None:
    reader, writer = streams
    writer.write(_REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head


async def _asks_over_http2(streams: Streams) -> None:
    reader, writer = streams
    connection = H2Connection(H2Configuration(client_side=True))
    connection.initiate_connection()
    request = {":method": "GET", ":scheme": "http", ":authority": "localhost", ":path": "/health"}
    connection.send_headers(1, request.items(), end_stream=True)
    ended = False
    while not ended:
        writer.write(connection.data_to_send())
        data = await reader.read(65536)
        assert data, "the server closed"
        ended = any(isinstance(event, StreamEnded) for event in connection.receive_data(data))


async def _asks_and_does_not_wait(streams: Streams) -> None:
    streams[1].write(_REQUEST)


async def _says_nothing(streams: Streams) -> None:
    pass


async def _ends_its_side_first(streams: Streams) -> None:
    """As `nc -N` does; then it waits for the server to end its own."""
    reader, writer = streams
    writer.write(_REQUEST)
    writer.write_eof()
    await reader.read()


@pytest.mark.parametrize(
    "client", [_asks, _asks_over_http2, _asks_and_does_not_wait, _says_nothing, _ends_its_side_first]
)
async def test_clients_that_have_gone_hold_no_descriptor(
    make_server: Callable[..., ServerProcess], way: str, client: Callable[[Streams], Awaitable[None]]
) -> None:
    environment = {"TESTS_WAY": way, "TESTS_DESCRIPTORS": str(DESCRIPTORS)}
    server = await asyncio.to_thread(make_server, environment=environment)
    process = psutil.Process(server.pid)
    before = await asyncio.to_thread(process.num_fds)

    async def visit() -> None:
        async with asyncio.timeout(DEADLINE):
            streams = await asyncio.open_connection("127.0.0.1", server.port)
            try:
                await client(streams)
            finally:
                streams[1].close()

    for _ in range(CLIENTS // AT_ONCE):
        await asyncio.gather(*(visit() for _ in range(AT_ONCE)))
    await eventually(lambda: process.num_fds() <= before + 2)
    async with httpx.AsyncClient(base_url=server.url) as client_:
        assert (await client_.get("/health")).status_code == 200
