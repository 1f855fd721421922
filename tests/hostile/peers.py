"""Bare peers that send what they like, and the measure of what they cost."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import h2.config
import h2.connection
import h2.events
import httpx
import psutil

from tests.running import ServerProcess, eventually

DEADLINE: Final = 20.0  # s for all that one test waits for
MEMORY: Final = 30 * 1024 * 1024  # bytes by which a server may have grown that has served a crowd for the first time
KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
TURNS: Final = {"TESTS_TURNS": "turns", "TESTS_FRAMES": "100"}
"""The environment of a server that writes down its long turns, and that is flooded sooner than others are."""
LONG_TURN: Final = 0.05  # s of processor time in which nobody else is served
ENHANCE_YOUR_CALM: Final = 11  # RFC 9113 section 7


class Meter:
    """What a server has spent since this was made, and what it holds."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._process = psutil.Process(server.pid)
        self._descriptors = self._process.num_fds()
        self._memory = self._process.memory_info().rss
        self._log = len(server.log())
        self._seconds = self._cpu()

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def cpu(self) -> float:
        """The processor time (s) since the start."""
        return self._cpu() - self._seconds

    def logged(self) -> str:
        return self._server.log()[self._log :]

    async def back(self, memory: int = MEMORY) -> None:
        """Return when descriptors and connections are what they were; fail where that does not come, and where the
        server has kept more `memory` (bytes)."""
        await eventually(lambda: self._process.num_fds() <= self._descriptors + 2, DEADLINE)
        assert await connections(self._server) == 0
        assert self._process.memory_info().rss - self._memory < memory
        assert "Traceback" not in self.logged()


async def connections(server: ServerProcess) -> int:
    """How many connections the server believes to have."""
    async with httpx.AsyncClient(base_url=server.url, verify=server.tls, timeout=DEADLINE) as client:
        return int((await client.get("/ws/stats")).json()["total_connections"])


class Turns:
    """The long turns of the loop of a server that has `TURNS` in its environment, since this was made.

    They are told in processor time: that of the others on this machine is not in it.
    """

    def __init__(self, server: ServerProcess) -> None:
        self._file = server.folder / TURNS["TESTS_TURNS"]
        self._known = len(self._told())

    def _told(self) -> list[float]:
        return [float(line) for line in self._file.read_text().splitlines()]

    def longest(self) -> float:
        """The longest turn (s), 0 where none was long."""
        return max(self._told()[self._known :], default=0.0)


class Peer:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.reset = False
        """Whether the server has reset it, by which the last that it had said may be lost."""

    async def send(self, data: bytes) -> None:
        """Send, as far as the server takes it."""
        with suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def head(self) -> bytes:
        """The head of an answer."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """All that comes up to the end, however that comes."""
        received = b""
        try:
            while data := await self.reader.read(65_536):
                received += data
        except ConnectionError:
            self.reset = True
        return received

    async def told(self) -> list[tuple[int, bytes]]:
        """The frames of a WebSocket up to the one that closes it, or to the end, however that comes."""
        data = b""
        with suppress(ConnectionError):
            while (part := await self.reader.read(65_536)) and 8 not in dict(frames(data := data + part)):
                """Read on."""
        return list(frames(data))

    async def close_code(self) -> int | None:
        """The code of the frame that closes a WebSocket; None where the connection was reset before it came."""
        payload = dict(await self.told()).get(8, b"")
        return int.from_bytes(payload[:2], "big") if payload else None


@asynccontextmanager
async def connected(server: ServerProcess, alpn: str | None = None) -> AsyncIterator[Peer]:
    """Give a connection to the server, which is over within DEADLINE; over TLS where `alpn` names a protocol."""
    options: dict[str, Any] = {}
    if alpn is not None:
        options["ssl"] = context = server.tls
        assert not isinstance(context, bool)
        context.set_alpn_protocols([alpn])
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection("localhost" if alpn else "127.0.0.1", server.port, **options)
        try:
            yield Peer(reader, writer)
        finally:
            writer.transport.abort()


def request(path: str, method: str = "GET", headers: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()


def handshake(path: str, headers: str = "") -> bytes:
    upgrade = f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    return request(path, headers=upgrade + headers)


def frame(first: int, payload: bytes = b"") -> bytes:
    """A client's frame of a WebSocket with this first byte, masked with zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([first]) + length + bytes(4) + payload


def frames(data: bytes) -> Iterable[tuple[int, bytes]]:
    """The opcodes and payloads of a server's frames that are whole."""
    while len(data) >= 2:
        length, begins = data[1], 2
        if length == 126:
            length, begins = int.from_bytes(data[2:4], "big"), 4
        if len(data) < begins + length:
            return
        yield data[0] & 15, data[begins : begins + length]
        data = data[begins + length :]


def http2_frame(type: int, payload: bytes = b"", flags: int = 0, stream: int = 0) -> bytes:
    """A frame of HTTP/2 (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([type, flags]) + stream.to_bytes(4, "big") + payload


class Http2:
    """A client's side of one HTTP/2 connection, and what it was told: answers by stream, resets, the code of GOAWAY."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.connection = h2.connection.H2Connection(
            h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self.answers: dict[int, int] = {}
        self.bodies: dict[int, bytes] = {}
        self.ended: set[int] = set()
        self.resets: dict[int, int] = {}
        self.goaway: int | None = None
        self.connection.initiate_connection()

    async def may_connect(self) -> None:
        """Return when the server has said that it may be asked for WebSockets (RFC 8441 section 3)."""
        while not self.connection.remote_settings.enable_connect_protocol:
            await self.hear()

    def ask(self, path: str | None = "/health", method: str = "GET", *, end: bool = True, **more: str) -> int:
        """Begin a request; return its stream."""
        stream = self.connection.get_next_available_stream_id()
        headers = {":method": method, ":authority": "localhost", ":path": path}
        headers[":scheme"] = None if path is None else "http"  # a tunnel has neither (RFC 9113 section 8.5)
        headers |= {name.replace("_", ":" if name[0] == "_" else "-"): value for name, value in more.items()}
        asked = [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value is not None]
        self.connection.send_headers(stream, asked, end_stream=end)
        return stream

    def connect(self, path: str) -> int:
        """Begin a WebSocket (RFC 8441); return its stream."""
        return self.ask(path, "CONNECT", end=False, _protocol="websocket", sec_websocket_version="13")

    async def flush(self) -> None:
        await self._peer.send(self.connection.data_to_send())

    async def hear(self) -> bool:
        """Take what comes next; return whether there was anything."""
        await self.flush()
        try:
            data = await self._peer.reader.read(65_536)
        except ConnectionError:
            return False
        for event in self.connection.receive_data(data):
            self._take(event)
        await self.flush()
        return bool(data)

    def _take(self, event: Any) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self.answers[event.stream_id] = int(dict(event.headers)[b":status"])
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
            with suppress(h2.exceptions.ProtocolError):
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = int(event.error_code or 0)

    async def over(self, stream: int) -> None:
        """Return when a stream is over, in whichever way."""
        while stream not in self.ended and stream not in self.resets:
            assert await self.hear(), "the server has closed the connection"

    async def closed(self) -> None:
        """Return when the server has closed the connection."""
        while await self.hear():
            """Hear to the end."""
