"""Peers that abuse a WebSocket: frames without a message, frames that break the rules, frames after the end."""

import asyncio
import random
from itertools import product
from typing import Any

import pytest

from tests.hostile.peers import LONG_TURN, Http2, Meter, Turns, connected, frame, frames, handshake
from tests.running import ServerProcess
from tests.secure import SECURE

FRAMES = 20_000
CPU = 1.0  # s
TOO_MANY = 4429
EMPTY = {"pings": frame(0x89), "pongs": frame(0x8A), "empty parts": frame(0x00)}
PATHS = {"ours": "/ws/live/flood", "Socket.IO's": "/socket.io/?EIO=4&transport=websocket"}


async def flooded(server: ServerProcess, path: str, flood: str, frames: int = FRAMES) -> list[tuple[int, bytes]]:
    """Flood a WebSocket; return what came up to its end."""
    async with connected(server) as peer:
        await peer.send(handshake(PATHS[path]))
        await peer.head()
        sending = asyncio.create_task(peer.send(frame(0x01, b"{") + EMPTY[flood] * frames))
        told = await peer.told()
        sending.cancel()
        return told


async def test_frames_without_a_message_are_counted(server: ServerProcess) -> None:
    meter = Meter(server)
    for path, flood in product(PATHS, EMPTY):
        told = dict(await flooded(server, path, flood))
        # Nothing is told where the connection was reset before it came.
        assert told.get(8, b"")[:2] in {TOO_MANY.to_bytes(2, "big"), b""}
        assert path != "ours" or 8 not in told or b'"code":"too_many"' in told[1]
    assert meter.cpu() < 6 * CPU
    await meter.back()


@pytest.mark.parametrize("flood", EMPTY)
async def test_over_http2_as_well(tls: ServerProcess, flood: str) -> None:
    meter = Meter(tls)
    async with connected(tls, "h2") as peer:
        http2 = Http2(peer)
        await http2.may_connect()
        stream = http2.connect("/ws/live/flood")
        while stream not in http2.answers:
            await http2.hear()
        data = frame(0x01, b"{") + EMPTY[flood] * FRAMES
        while stream not in http2.ended | http2.resets.keys():
            size = min(http2.connection.local_flow_control_window(stream), 16_384, len(data))
            if size:
                http2.connection.send_data(stream, data[:size])
                data = data[size:]
            assert await http2.hear()
        told = list(frames(http2.bodies[stream]))
        assert told[-1][1][:2] == TOO_MANY.to_bytes(2, "big")
    assert meter.cpu() < CPU
    await meter.back()


async def test_as_many_as_are_allowed_are_answered(server: ServerProcess) -> None:
    async with connected(server) as peer:
        await peer.send(handshake(PATHS["ours"]))
        await peer.head()
        await peer.send(b"".join(frame(0x89, b"%d" % n) for n in range(1_500)))
        data = b""
        while b"\x8a\x041499" not in data:
            data += await peer.reader.read(65_536)
        assert [payload for opcode, payload in frames(data) if opcode == 10] == [b"%d" % n for n in range(1_500)]


async def test_who_was_refused_and_goes_on_is_not_listened_to(make_either: Any) -> None:
    server = make_either(**SECURE)
    meter = Meter(server)
    for told in await asyncio.gather(*(flooded(server, "ours", flood, 3 * FRAMES) for flood in EMPTY)):
        assert dict(told).get(8, b"")[:2] in {(4401).to_bytes(2, "big"), b""}
    assert meter.cpu() < 3 * CPU


def _nonsense(chance: random.Random) -> bytes:
    """A few frames, most of which break a rule."""
    made = b""
    for _ in range(10):
        first = chance.choice((0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8A, 0x88, chance.randrange(256)))
        one = bytearray(frame(first, chance.randbytes(chance.choice((0, 1, 5, 125, 126, 300)))))
        if chance.random() < 0.5:
            one[chance.randrange(min(4, len(one)))] = chance.randrange(256)
        made += bytes(one)
    return made


async def test_twenty_thousand_malformed_frames(server: ServerProcess, way: str) -> None:
    meter = Meter(server)
    visits = FRAMES // 10 if way == "direct" else FRAMES // 50
    chance = random.Random(11)
    known = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, TOO_MANY}
    told = 0

    async def visit(said: bytes) -> None:
        nonlocal told
        async with connected(server) as peer:
            await peer.send(handshake(PATHS["ours"]))
            await peer.head()
            await peer.send(said)
            peer.writer.write_eof()
            code = await peer.close_code()
            assert code is None or code in known or 3000 <= code < 5000
            told += code in {1002, 1007}

    for _ in range(visits // 50):
        await asyncio.gather(*(visit(_nonsense(chance)) for _ in range(50)))
    assert told > visits // 2
    await meter.back()


BROKEN = {
    "without a mask": (b"\x81\x01a", 1002),
    "an unknown opcode": (frame(0x83), 1002),
    "a part of nothing": (frame(0x80, b"a"), 1002),
    "a long ping": (b"\x89\xfe\x00\x80" + bytes(4), 1002),
    "no UTF-8": (frame(0x81, b"\xff\xfe"), 1007),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("broken", BROKEN)
async def test_who_breaks_a_rule_is_told_which(server: ServerProcess, path: str, broken: str) -> None:
    said, code = BROKEN[broken]
    async with connected(server) as peer:
        await peer.send(handshake(PATHS[path]))
        await peer.head()
        await peer.send(said)
        assert await peer.close_code() == code


async def test_others_get_their_turn_meanwhile(server: ServerProcess) -> None:
    turns = Turns(server)
    await asyncio.gather(*(flooded(server, path, flood) for path, flood in product(PATHS, EMPTY)))
    assert turns.longest() < LONG_TURN
