"""The balancer brings each connection, or each request, to the next node that takes it; a cable brings it nowhere while
it is pulled, or dead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from tests.cluster.cables import cable
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


async def test_what_is_asked_over_a_dead_cable_is_answered_once_it_is_mended() -> None:
    async with node("server") as server, cable(server) as way, httpx.AsyncClient(base_url=way.url) as client:
        assert (await client.get("/")).text == "server"
        way.freeze()
        asking = [asyncio.create_task(client.get("/")) for _ in "ab"]  # on the open connection, and on a new one
        await asyncio.wait(asking, timeout=0.2)
        assert not any(one.done() for one in asking)
        way.mend()
        assert [one.text for one in await asyncio.gather(*asking)] == ["server"] * 2


async def test_a_pulled_cable_ends_what_is_open_and_refuses_what_is_new() -> None:
    async with node("server") as server, cable(server) as way:
        reader, writer = await asyncio.open_connection(*way.url.removeprefix("http://").split(":"))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.readuntil(b"server") != b""
        assert len(way.ports) == 1
        await way.cut()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        async with httpx.AsyncClient(base_url=way.url) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/")
            way.mend()
            assert (await client.get("/")).text == "server"
        writer.close()
