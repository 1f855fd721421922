"""Who serves a TCP connection, as its first bytes tell: the opening handshake of a WebSocket, and everything else."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import h11
import pytest
from hypercorn.config import Config
from hypothesis import given
from hypothesis import strategies as st

from quart_app.realtime import Wheel
from quart_app.transports.below.addresses import Addresses
from quart_app.transports.below.first_read import Reception
from quart_app.transports.below.http1 import usual_head
from tests.inside import serving
from tests.running import ServerProcess, eventually
from tests.transports.conftest import Servers
from tests.transports.test_frames import CLOSE, TEXT, frame

DEADLINE: Final = 10.0  # s
KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="  # of the example in RFC 6455 section 1.3
UPGRADE: Final = (
    b"Host: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
)
PING: Final = frame(TEXT, b'{"type":"ping","key":"k"}')


def opening(path: bytes = b"/ws/live/n", headers: bytes = UPGRADE) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + headers + b"\r\n"


@asynccontextmanager
async def connected(server: ServerProcess) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer_to(server: ServerProcess, asked: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return the first line of the answer, its headers but those of the date and the framing, and its body."""
    async with connected(server) as (reader, writer):
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *headers = head[:-4].split(b"\r\n")
        framing = dict(header.lower().split(b": ", 1) for header in headers)
        body = b""
        if b"content-length" in framing:
            body = await reader.readexactly(int(framing[b"content-length"]))
        while b"transfer-encoding" in framing and (size := int(await reader.readline(), 16)):
            body += (await reader.readexactly(size + 2))[:-2]
        left_out = (b"date", b"content-length", b"transfer-encoding", b"connection")
        body = body.replace(b"%d" % server.port, b"PORT")
        return first, sorted(one for one in headers if one.lower().partition(b":")[0] not in left_out), body


async def messages(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    """Yield the messages of a WebSocket after the head that accepts it."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # RFC 6455 section 1.3
    while (start := await reader.readexactly(2))[0] == TEXT:
        length = start[1] if start[1] < 126 else int.from_bytes(await reader.readexactly(2), "big")
        yield json.loads(await reader.readexactly(length))
    assert start[0] == CLOSE


async def types(reader: asyncio.StreamReader, count: int) -> list[str]:
    """Return the types of the first messages."""
    found = []
    async for message in messages(reader):
        found.append(message["type"])
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize("kind", ["h1", "ordinary"])
@pytest.mark.parametrize("size", [1, 40, 1_000])
async def test_a_handshake_may_come_in_pieces(servers: Servers, kind: str, size: int) -> None:
    async with connected(servers[kind]) as (reader, writer):
        sent = opening()
        for at in range(0, len(sent), size):
            writer.write(sent[at : at + size])
            await asyncio.sleep(0)
        assert await types(reader, 1) == ["connected"]
        writer.write(PING)


async def test_what_a_client_sends_with_its_handshake_is_heard(servers: Servers) -> None:
    async with connected(servers["h1"]) as (reader, writer):
        writer.write(opening() + PING + PING[:5])
        assert await types(reader, 2) == ["connected", "pong"]
        writer.write(PING[5:])
        start = await reader.readexactly(2)
        assert json.loads(await reader.readexactly(start[1]))["type"] == "pong"


@pytest.mark.parametrize("kind", ["h1", "ordinary"])
async def test_a_client_that_sends_with_its_handshake_and_leaves_is_gone(servers: Servers, kind: str) -> None:
    server = servers[kind]
    async with connected(server) as (reader, writer):
        writer.write(opening(b"/ws/live/ghost") + PING)
        await reader.read(1_000)
    await eventually(lambda: " on live/ghost opened" not in server.log() or " on live/ghost closed" in server.log())


@pytest.mark.parametrize("kind", ["h1", "ordinary"])
async def test_a_connection_that_was_used_before_becomes_a_websocket(servers: Servers, kind: str) -> None:
    async with connected(servers[kind]) as (reader, writer):
        for _ in range(2):
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
        writer.write(opening())
        assert await types(reader, 1) == ["connected"]
        writer.write(PING)
        start = await reader.readexactly(2)
        assert json.loads(await reader.readexactly(start[1]))["type"] == "pong"


REFUSED: Final = {
    "a page that is none": opening(b"/nowhere"),
    "a path for requests": opening(b"/health"),
    "another host": opening(headers=UPGRADE.replace(b"localhost", b"evil.example")),
    "no key": opening(headers=UPGRADE.replace(b"Sec-WebSocket-Key", b"X-Key")),
    "no version": opening(headers=UPGRADE.replace(b"Sec-WebSocket-Version: 13", b"X-V: 13")),
    "another version": opening(headers=UPGRADE.replace(b"Version: 13", b"Version: 8")),
    "two hosts": opening(headers=UPGRADE + b"Host: localhost\r\n"),
    "a header in two lines": opening(headers=UPGRADE + b"X-A: b\r\n c\r\nConnection: close\r\n"),
    "a header without a name": opening(headers=UPGRADE + b": b\r\n"),
    "a NUL": opening(headers=UPGRADE + b"X-A: \0\r\n"),
    "another method": opening().replace(b"GET", b"POST") + b"0\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01 hello\r\n\r\n",
}


@pytest.mark.parametrize("asked", REFUSED)
async def test_a_refusal_is_the_same_whoever_says_it(servers: Servers, asked: str) -> None:
    answers = [await answer_to(servers[kind], REFUSED[asked]) for kind in ("h1", "ordinary")]
    assert answers[0] == answers[1]
    assert answers[0][0].startswith(b"HTTP/1.1 4")


async def test_a_client_that_sends_much_with_its_handshake_is_still_heard_afterwards(servers: Servers) -> None:
    long = frame(TEXT, b'{"type":"ping","pad":"%b"}' % (b"x" * 40_000))
    async with connected(servers["h1"]) as (reader, writer):
        writer.write(opening() + long * 3)
        assert await types(reader, 4) == ["connected", "pong", "pong", "pong"]
        writer.write(PING)
        start = await reader.readexactly(2)
        assert json.loads(await reader.readexactly(start[1]))["type"] == "pong"


async def test_refused_handshakes_leave_nothing(tmp_path: Path) -> None:
    held: set[Any] = set()

    class Holder:
        hold = held.add
        let_go = held.discard

    async with serving(tmp_path / "envivo.db") as (app, _):
        reception = Reception(app, Config(), app.hub.wheel, Holder(), app.addresses)
        server = await asyncio.get_running_loop().create_server(
            lambda: reception.protocol(asyncio.Protocol), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        for path in (b"/nowhere", b"/ws/nowhere", b"/ws/live/n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(opening(path))
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(opening())
            await asyncio.sleep(0)
            writer.transport.abort()
        await eventually(lambda: not held and not app.hub.connections)
        server.close()


async def test_who_says_nothing_is_closed_after_a_time(make_server: Any) -> None:
    server: ServerProcess = make_server("--server", "keep_alive_timeout=0.5")
    async with connected(server) as (reader, writer):
        assert await reader.read() == b""
    async with connected(server) as (reader, writer):
        writer.write(opening()[:20])
        assert await reader.read() == b""


class _Transport:
    """What a reception asks of a transport."""

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name)


class _Nobody:
    def hold(self, transport: Any) -> None:
        """Nothing is accepted here."""

    def let_go(self, transport: Any) -> None:
        """Nothing is held here."""


async def _serve_nothing(scope: Any, receive: Any, send: Any) -> None:
    """Nothing is served here."""


ADDRESSES: Final = Addresses(1, 1, lambda _: False, lambda *_: None)
RECEPTION: Final = Reception(_serve_nothing, Config(), Wheel(), _Nobody(), ADDRESSES, elsewhere=("/socket.io",))
TOKENS = st.text(st.sampled_from("abcXYZ-_!.~09 :\t"), min_size=1, max_size=8)
VALUES = st.text(st.characters(max_codepoint=255), max_size=20)
EXTRA = st.lists(st.tuples(TOKENS, VALUES), max_size=4)


@given(
    target=st.text(st.characters(min_codepoint=32, max_codepoint=127), max_size=20),
    extra=EXTRA,
    after=st.binary(max_size=20),
    end=st.sampled_from([b"\r\n", b"\n", b"\r\n\r\n"]),
)
def test_what_the_reception_reads_h11_reads_as_well(
    target: str, extra: list[tuple[str, str]], after: bytes, end: bytes
) -> None:
    lines = b"".join(f"{name}:{value}".encode("latin-1") + end for name, value in extra)
    sent = b"GET /" + target.encode("latin-1") + b" HTTP/1.1\r\n" + UPGRADE + lines + b"\r\n" + after
    opened = RECEPTION.scope(sent, _Transport())  # type: ignore[arg-type]  # it asks no more
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(sent)
    if opened is None:
        return
    scope, key, rest = opened
    request = reader.next_event()
    assert isinstance(request, h11.Request)
    assert request.method == b"GET"
    assert request.target.partition(b"?")[::2] == (scope["raw_path"], scope["query_string"])
    assert list(request.headers) == scope["headers"]
    assert (key, rest) == (KEY, reader.trailing_data[0])


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "get", "HEAD"]),
    target=st.text(st.characters(min_codepoint=32, max_codepoint=127), max_size=20),
    extra=EXTRA,
    length=st.sampled_from([None, "0", "3", "03", "4", " 3 ", "+3", "3,3", ""]),
    body=st.binary(max_size=4),
    end=st.sampled_from([b"\r\n", b"\r\n", b"\n"]),
)
def test_a_request_that_is_read_without_h11_is_read_as_h11_would(
    method: str, target: str, extra: list[tuple[str, str]], length: str | None, body: bytes, end: bytes
) -> None:
    headers = [("Host", "h"), *extra, *([] if length is None else [("Content-Length", length)])]
    lines = b"".join(f"{name}:{value}".encode("latin-1") + end for name, value in headers)
    sent = f"{method} /{target} HTTP/1.1\r\n".encode("latin-1") + lines + b"\r\n" + body
    head = usual_head(sent)
    if head is None:
        return
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(sent)
    request = reader.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target, list(request.headers)) == (head.method, head.target, head.headers)
    read = b""
    while isinstance(event := reader.next_event(), h11.Data):
        read += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert (read, reader.trailing_data[0]) == (sent[head.size :], b"")


def test_a_plain_handshake_is_read() -> None:
    scope, key, rest = RECEPTION.scope(opening(b"/ws/n%C3%B1?a=b&c", UPGRADE) + b"rest", _Transport())  # type: ignore[misc,arg-type]
    assert (scope["path"], scope["query_string"], scope["scheme"]) == ("/ws/n\u00f1", b"a=b&c", "ws")
    assert (scope["client"], scope["server"]) == (("127.0.0.1", 1), ("127.0.0.1", 2))
    assert (key, rest) == (KEY, b"rest")


@pytest.mark.parametrize(
    "path", [b"/socket.io", b"/socket.io/", b"/socket.io/?EIO=4&transport=websocket", b"http://localhost/ws", b"*"]
)
def test_what_is_served_elsewhere_is_hypercorns(path: bytes) -> None:
    assert RECEPTION.scope(opening(path), _Transport()) is None  # type: ignore[arg-type]  # it asks no more


@pytest.mark.parametrize(
    "setting",
    [
        {"accesslog": "-"},
        {"server_names": ["localhost"]},
        {"max_requests": 5},
        {"websocket_ping_interval": 5.0},
        {"statsd_host": "localhost:1"},
    ],
)
def test_what_hypercorn_is_told_to_do_beside_serving_it_does_itself(setting: dict[str, Any]) -> None:
    config = Config()
    for name, value in setting.items():
        setattr(config, name, value)
    reception = Reception(_serve_nothing, config, Wheel(), _Nobody(), ADDRESSES)
    assert reception.scope(opening(), _Transport()) is None  # type: ignore[arg-type]  # it asks no more
