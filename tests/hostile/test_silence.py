"""Peers that hold a connection and ask for nothing, or never come to the end of what they ask for."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.hostile.peers import Http2, connected, http2_frame, request
from tests.running import ServerProcess

IDLE = 2.0  # s after which the server closes a connection on which nothing is asked for
SETTINGS, PING, HEADERS = http2_frame(4), http2_frame(6, bytes(8)), 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS
GET = b"\x82\x84\x87\x41\x09localhost"  # a request in HPACK (RFC 7541): GET, /, https, :authority
SILENT = {
    "nothing": b"",
    "half a line": b"GET /",
    "one request": request("/health"),
    "one of HTTP/2": PREFACE + http2_frame(HEADERS, GET, 5, 1),
    "half of one": PREFACE + http2_frame(HEADERS, GET, 0, 1),
    "the preface": PREFACE,
}
TRICKLES = {
    "pings": (PREFACE, PING),
    "more headers": (PREFACE + http2_frame(HEADERS, GET, 0, 1), http2_frame(9, b"", 0, 1)),
}
for path in ("/", "/ws/live/n", "/sse/live/n", "/api/publish", "/socket.io/"):
    TRICKLES[path] = request(path)[:-2], b"X-A: b\r\n"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, way: str) -> Iterator[ServerProcess]:
    """A server that soon gives up on those who ask for nothing."""
    folder = tmp_path_factory.mktemp("hasty")
    started = ServerProcess(folder, "--server", f"keep_alive_timeout={IDLE}", environment={"TESTS_WAY": way})
    yield started.start()
    started.check_clean_end()


async def falls_silent(server: ServerProcess, said: bytes) -> None:
    async with connected(server) as peer:
        await peer.send(said)
        await peer.rest()


async def trickles(server: ServerProcess, begun: bytes, then: bytes) -> None:
    async def trickle() -> None:
        await peer.send(begun)
        while True:
            await peer.send(then)
            await asyncio.sleep(IDLE / 10)

    async with connected(server) as peer:
        trickling = asyncio.create_task(trickle())
        await peer.rest()
        trickling.cancel()


async def breaks_off(server: ServerProcess) -> None:
    async with connected(server) as peer:
        http2 = Http2(peer)
        stream = http2.ask("/sse/live/n")
        while stream not in http2.answers:
            assert await http2.hear()
        http2.connection.reset_stream(stream)
        await http2.closed()


async def listens(server: ServerProcess) -> None:
    """Whoever follows something is silent, too, and is not closed."""
    async with connected(server) as peer:
        http2 = Http2(peer)
        stream = http2.ask("/sse/live/n")
        await http2.flush()
        await asyncio.sleep(2 * IDLE)
        await http2.over(http2.ask())
        assert http2.answers[stream] == 200
        assert stream not in http2.ended | http2.resets.keys()


async def test_nobody_stays_who_asks_for_nothing(hasty: ServerProcess) -> None:
    silent = [falls_silent(hasty, said) for said in SILENT.values()]
    trickling = [trickles(hasty, *said) for said in TRICKLES.values()]
    await asyncio.gather(*silent, *trickling, breaks_off(hasty), listens(hasty))
