"""Peers that abuse HTTP/2 (RFC 9113 section 10.5): floods, resets, silence, and what no client sends."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from h2.settings import SettingCodes

from tests.hostile.peers import ENHANCE_YOUR_CALM, LONG_TURN, TURNS, Http2, Meter, Turns, connected, http2_frame
from tests.running import ServerProcess

STREAMS = 950
FRAMES = 20_000
CPU = 1.5  # s
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(SETTINGS)
GET = b"\x82\x84\x87\x41\x09localhost"  # a request in HPACK (RFC 7541): GET, /, https, :authority

FLOODS = {
    "pings": http2_frame(PING, bytes(8)),
    "answers to pings": http2_frame(PING, bytes(8), 1),
    "settings": http2_frame(SETTINGS, b"\x00\x04\x00\x01\x00\x00"),
    "empty settings": http2_frame(SETTINGS),
    "priorities": http2_frame(PRIORITY, b"\0\0\0\0\x10", stream=1),
    "window updates": http2_frame(WINDOW_UPDATE, b"\0\0\0\1"),
    "resets of nothing": http2_frame(RST_STREAM, b"\0\0\0\x08", stream=1),
    "unknown frames": http2_frame(0xFA, b"?"),
    "empty data": http2_frame(DATA, stream=1),
}
BEGUN = {"resets of nothing", "empty data"}
"""Floods on a stream that there is."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without TLS; over HTTP/2 there is one way to serve."""
    started = ServerProcess(tmp_path_factory.mktemp("plain"), environment=TURNS)
    yield started.start()
    started.check_clean_end()


@pytest.fixture(params=["cleartext", "tls"])
def served(request: pytest.FixtureRequest) -> tuple[ServerProcess, str | None]:
    """A server, and the name of the protocol where it has TLS."""
    if request.param == "tls":
        return request.getfixturevalue("tls"), "h2"
    return request.getfixturevalue("plain"), None


Served = tuple[ServerProcess, str | None]


async def answers(server: ServerProcess) -> None:
    """Fail unless the server answers others."""
    async with httpx.AsyncClient(base_url=server.url, verify=server.tls, timeout=5) as client:
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/sse/live/resets"])
@pytest.mark.parametrize("together", [True, False])
async def test_rapid_resets(served: Served, path: str, together: bool) -> None:
    """CVE-2023-44487."""
    server, alpn = served
    meter = Meter(server)
    async with connected(server, alpn) as peer:
        http2 = Http2(peer)
        for _ in range(STREAMS):
            stream = http2.ask(path)
            if not together:
                await http2.flush()
                await asyncio.sleep(0)
            http2.connection.reset_stream(stream)
        await http2.closed()
        assert http2.goaway in {ENHANCE_YOUR_CALM, None}  # None where its connection was reset before
        await answers(server)
    assert meter.cpu() < CPU
    told = [line for line in meter.logged().splitlines() if " opened" not in line and " closed with " not in line]
    assert len(told) < 10
    await meter.back()


async def test_who_leaves_a_page_with_many_streams_is_served_on(served: Served) -> None:
    server, alpn = served
    async with connected(server, alpn) as peer:
        http2 = Http2(peer)
        streams = [http2.ask("/sse/live/page") for _ in range(100)]
        while len(http2.answers) < len(streams):
            assert await http2.hear()
        for stream in streams:
            http2.connection.reset_stream(stream)
        await http2.over(http2.ask())
        assert http2.goaway is None


@pytest.mark.parametrize("flood", FLOODS)
async def test_floods_of_frames(served: Served, flood: str) -> None:
    server, alpn = served
    meter = Meter(server)
    async with connected(server, alpn) as peer:
        await peer.send(PREFACE)
        if flood in BEGUN:
            await peer.send(http2_frame(HEADERS, GET, 4, 1))
        sending = asyncio.create_task(peer.send(FLOODS[flood] * FRAMES))
        told = await peer.rest()
        await sending
        assert peer.reset or http2_frame(GOAWAY)[3:5] in told
        await answers(server)
    assert meter.cpu() < CPU
    await meter.back()


async def test_a_header_that_goes_on(served: Served) -> None:
    """CVE-2024-27316."""
    server, alpn = served
    meter = Meter(server)
    async with connected(server, alpn) as peer:
        await peer.send(PREFACE + http2_frame(HEADERS, GET, 0, 1))
        sending = asyncio.create_task(peer.send(http2_frame(CONTINUATION, b"\x00\x01a\x01b", 0, 1) * FRAMES))
        await peer.rest()
        await sending
    assert meter.cpu() < CPU
    await meter.back()


async def test_what_is_no_websocket_is_not_connected(tls: ServerProcess) -> None:
    meter = Meter(tls)
    async with connected(tls, "h2") as peer:
        http2 = Http2(peer)
        await http2.may_connect()
        for asked in ({"path": None}, {"path": "/ws/live/n", "_protocol": "connect-udp"}):
            stream = http2.ask(method="CONNECT", end=False, **asked)
            await http2.over(stream)
            assert http2.answers[stream] == 501
        await http2.over(http2.ask())
    assert meter.logged() == ""


@pytest.mark.parametrize("asked", [{"method": "G\xc9T"}, {"path": "/\xf1"}, {"path": "/a b"}, {"method": ""}])
async def test_what_is_no_request_costs_its_stream_alone(served: Served, asked: dict[str, str]) -> None:
    server, alpn = served
    meter = Meter(server)
    async with connected(server, alpn) as peer:
        http2 = Http2(peer)
        stream = http2.ask(**asked)  # type: ignore[arg-type]
        await http2.over(stream)
        await http2.over(http2.ask())
    assert "Traceback" not in meter.logged()


async def test_data_for_a_request_that_was_answered(served: Served) -> None:
    """The answer does not wait for the body of a GET."""
    server, alpn = served
    async with connected(server, alpn) as peer:
        http2 = Http2(peer)
        stream = http2.ask("/health", end=False)
        await http2.over(stream)
        assert http2.answers[stream] == 200
        await peer.send(http2_frame(DATA, b"late", 0, stream) * 5)
        await http2.over(http2.ask())


async def test_requests_that_never_end_do_not_use_up_the_connection(served: Served) -> None:
    server, alpn = served
    async with connected(server, alpn) as peer:
        http2 = Http2(peer)
        for _ in range(250):
            stream = http2.ask("/health", end=False)
            while stream not in http2.ended:
                assert await http2.hear()


async def test_what_is_remembered_of_headers_stays_small(served: Served) -> None:
    """A peer that allows 4 GiB gets no more than others: each header would be looked for in all of it."""
    server, alpn = served
    async with connected(server, alpn) as peer:
        http2 = Http2(peer)
        http2.connection.update_settings({SettingCodes.HEADER_TABLE_SIZE: 2**32 - 1})
        for _ in range(3):
            await http2.over(http2.ask())
        assert http2.connection.decoder.header_table_size == 4_096


async def test_others_get_their_turn_meanwhile(served: Served) -> None:
    server, alpn = served
    turns = Turns(server)

    async def attack(flood: bytes) -> None:
        async with connected(server, alpn) as peer:
            reading = asyncio.create_task(peer.rest())
            await peer.send(PREFACE + flood * FRAMES)
            reading.cancel()

    async def resets() -> None:
        async with connected(server, alpn) as peer:
            http2 = Http2(peer)
            for _ in range(STREAMS):
                http2.connection.reset_stream(http2.ask("/"))
            await http2.closed()

    attacks = [resets(), *(attack(flood) for name, flood in FLOODS.items() if name not in BEGUN)]
    await asyncio.gather(*attacks)
    assert turns.longest() < LONG_TURN
