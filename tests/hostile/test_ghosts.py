"""Peers that are gone, or were sent away: nobody keeps their connection."""

import asyncio

import pytest

from quart_app.transports.below.inbox import Inbox
from tests.hostile.peers import Http2, Meter, connected, frame, handshake, request
from tests.running import ServerProcess

PEERS = 50
EARLY = frame(0x81, b'{"type":"ping"}')
EVENTS = "/sse/live/ghost"
REFUSED = {
    "no key": request("/ws/live/ghost", headers="Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    "another version": handshake("/ws/live/ghost").replace(b"Version: 13", b"Version: 8"),
    "no version": handshake("/socket.io/?EIO=4&transport=websocket").replace(b"Version: 13", b"Version: "),
}


@pytest.mark.parametrize("path", ["/ws/live/ghost", "/socket.io/?EIO=4&transport=websocket"])
@pytest.mark.parametrize("used", [False, True], ids=["at first", "after a request"])
async def test_who_speaks_with_its_handshake_and_leaves(server: ServerProcess, path: str, used: bool) -> None:
    meter = Meter(server)

    async def visit() -> None:
        async with connected(server) as peer:
            if used:
                await peer.send(request("/health"))
                await peer.head()
            await peer.send(handshake(path) + EARLY)
            await peer.reader.read(1_000)

    await asyncio.gather(*(visit() for _ in range(PEERS)))
    await meter.back()


@pytest.mark.parametrize("asked", REFUSED)
async def test_a_handshake_that_is_refused_ends_its_connection(server: ServerProcess, asked: str) -> None:
    async with connected(server) as peer:
        await peer.send(REFUSED[asked])
        assert (await peer.rest()).startswith(b"HTTP/1.1 4")


async def test_a_websocket_of_socketio_that_speaks_too_early_is_closed(server: ServerProcess) -> None:
    async with connected(server) as peer:
        await peer.send(handshake("/socket.io/?EIO=4&transport=websocket") + EARLY)
        assert (await peer.rest()).startswith(b"HTTP/1.1 400 ")


async def test_the_head_of_an_event_stream_with_a_request_behind_it(server: ServerProcess) -> None:
    meter = Meter(server)

    async def visit() -> None:
        async with connected(server) as peer:
            await peer.send(request(EVENTS, "HEAD") + request("/health"))
            await peer.head()

    await asyncio.gather(*(visit() for _ in range(PEERS)))
    await meter.back()


async def test_event_streams_that_are_broken_off_as_they_begin(server: ServerProcess) -> None:
    meter = Meter(server)

    async def visit(turns: int) -> None:
        async with connected(server) as peer:
            http2 = Http2(peer)
            for _ in range(20):
                stream = http2.ask(EVENTS)
                for _ in range(turns):
                    await http2.flush()
                    await asyncio.sleep(0)
                http2.connection.reset_stream(stream)
            await http2.flush()

    await asyncio.gather(*(visit(turns) for turns in range(10)))
    await meter.back()


@pytest.mark.parametrize("type", ["http", "websocket"])
async def test_who_fills_an_inbox_that_nobody_empties_is_told_from(type: str) -> None:
    """Else its connection would wait for room, and nobody would hear of its end."""
    inbox = Inbox(2, None)
    for _ in range(2):
        await inbox.put({"type": f"{type}.request", "body": b"", "more_body": True})
    waiting = asyncio.create_task(inbox.put({"type": f"{type}.request", "body": b"", "more_body": True}))
    await asyncio.sleep(0)
    assert not waiting.done()
    async with asyncio.timeout(1):
        await inbox.put({"type": f"{type}.disconnect"})
        await waiting
    assert [(await inbox.get())["type"] for _ in range(3)] == [f"{type}.request"] * 2 + [f"{type}.disconnect"]


async def test_a_websocket_over_http2_ends_with_its_streams_side(tls: ServerProcess) -> None:
    meter = Meter(tls)
    async with connected(tls, "h2") as peer:
        http2 = Http2(peer)
        await http2.may_connect()
        streams = []
        for early in (b"", EARLY):
            streams += [
                http2.ask("/ws/live/ghost", "CONNECT", end=False, _protocol="websocket", sec_websocket_version="13")
            ]
            if early:
                http2.connection.send_data(streams[-1], early)
        while streams[0] not in http2.answers:
            await http2.hear()
        assert http2.answers[streams[0]] == 200
        http2.connection.end_stream(streams[0])
        for stream in streams:
            await http2.over(stream)
        assert http2.answers[streams[1]] == 400
    await meter.back()
