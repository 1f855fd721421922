"""A connection of the load: where a server is, the request that opens it, and the publisher over HTTP.

It parses no more than it has to. It knows the wire (RFC 6455, RFC 9112) and nothing of what is measured.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self, cast
from urllib.parse import urlsplit

from quart_app.cli.bench.stream import BenchError

UPGRADE: Final = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n"
).format("ZW4gdml2byBiZW5jaG1hcg==")
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
_ACCEPTED: Final = re.compile(rb"HTTP/1\.1 20[0-4] ")
_DEADLINE: Final = 60.0  # s to open, or to be answered


@dataclass(frozen=True)
class Address:
    """The address of a server, the token to show there, if any, and what verifies its certificate, None without TLS."""

    host: str
    port: int
    token: str | None = None
    tls: ssl.SSLContext | None = None

    @classmethod
    def parse(cls, url: str, token: str | None = None, tls: ssl.SSLContext | None = None) -> Self:
        """Return the address in an `http://` or `https://` URL. Where `tls` is None the system's authorities are
        trusted.

        Raise ValueError for any other URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is not an http:// or https:// address")
        if parts.scheme == "http":
            return cls(parts.hostname, parts.port or 80, token)
        return cls(parts.hostname, parts.port or 443, token, tls or ssl.create_default_context())

    def head(self, method: str, path: str, more: str = "") -> bytes:
        """Return the head of a request."""
        token = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        return f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{token}{more}\r\n".encode()


class Client(asyncio.Protocol):
    """A connection that begins with a `request` and the answer `status`; `opened` is done when it can be used."""

    def __init__(self, request: bytes, status: int) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failed: Callable[[BaseException], object] = lambda error: None
        self.chunked = False
        self._request = request
        self._status = b"HTTP/1.1 %d " % status
        self._transport: asyncio.WriteTransport | None = None
        self._begun = False
        self._buffer = b""

    async def open(self, address: Address) -> Self:
        """Connect, and return the client when it can be used. Raise BenchError or OSError where that fails."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_DEADLINE):
                await loop.create_connection(lambda: self, address.host, address.port, ssl=address.tls)
                await self.opened
        except TimeoutError as error:
            self.close()
            raise BenchError(f"a connection did not open within {_DEADLINE:g} s") from error
        return self

    def close(self) -> None:
        self.failed = lambda error: None
        if self._transport is not None:
            self._transport.abort()  # nothing is left to send, and the loop may end before TLS has said goodbye

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # the errors of uvloop do not say what they are
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        try:
            if self._begun:
                self._body(data)
            else:
                self._head(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits has to hear of it
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or BenchError("the server closed a connection"))

    def _head(self, data: bytes) -> None:
        head, end, body = (self._buffer + data).partition(b"\r\n\r\n")
        if not end:
            self._buffer = head
            return
        if not head.startswith(self._status):
            raise BenchError(f"the server answered {(head + body)[:300]!r}")
        self._buffer = b""
        self._begun = True
        self.chunked = _CHUNKED.search(head) is not None
        self._ready()
        if body:
            self._body(body)

    def _ready(self) -> None:
        """Go on after the head of the answer."""

    def _body(self, data: bytes) -> None:
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _fail(self, error: BaseException) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
        else:
            self.failed(error)


class Poster:
    """A publisher over one HTTP connection, with one request at a time."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> bytes:
        """POST a JSON body; return the body of the answer. Raise BenchError where the request is refused."""
        if self._streams is None:
            address = self._address
            self._streams = await asyncio.open_connection(address.host, address.port, ssl=address.tls)
        reader, writer = self._streams
        more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(self._address.head("POST", path, more) + body)
        try:
            async with asyncio.timeout(_DEADLINE):
                head = await reader.readuntil(b"\r\n\r\n")
                answer = await self._answer(reader, head)
        except TimeoutError as error:
            raise BenchError(f"publishing was not answered within {_DEADLINE:g} s") from error
        except asyncio.IncompleteReadError as error:
            raise BenchError("the server closed a publisher's connection") from error
        if _ACCEPTED.match(head) is None:
            raise BenchError(f"publishing was refused: {(head + answer)[:500]!r}")
        return answer

    @staticmethod
    async def _answer(reader: asyncio.StreamReader, head: bytes) -> bytes:
        if _CHUNKED.search(head) is None:
            length = _LENGTH.search(head)
            return await reader.readexactly(int(length[1]) if length else 0)
        answer = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            answer += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        return answer

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()


def masked(payload: bytes) -> bytes:
    """Return a client's text frame (RFC 6455 section 5.3), masked with zeros, which leave the payload as it is."""
    length = len(payload)
    head = bytes([0x81, 0x80 | length]) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
    return head + bytes(4) + payload
