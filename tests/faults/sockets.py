"""Bare sockets that read when they are told to: what a stalled or dead peer looks like from the server."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

RECEIVE_BUFFER = 16 * 1024  # bytes, so that a peer that does not read is felt soon
_UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Peer:
    """A connection that has sent its request and read the head of the answer, and nothing more."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.buffer = b""

    async def receive(self) -> bytes:
        """What comes next; empty at the end."""
        return await asyncio.get_running_loop().sock_recv(self._socket, 65536)

    async def fill(self, size: int) -> None:
        """Read until the buffer holds `size` bytes. Raises EOFError."""
        while len(self.buffer) < size:
            data = await self.receive()
            if not data:
                raise EOFError
            self.buffer += data

    async def until(self, mark: bytes) -> bytes:
        """Read up to and including `mark`, and return it all."""
        while (end := self.buffer.find(mark)) < 0:
            await self.fill(len(self.buffer) + 1)
        end += len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    def reset(self) -> None:
        """End it as a process that dies does, without a word (RST)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()


async def request(port: int, path: str, transport: str, host: str = "127.0.0.1", headers: str = "") -> Peer:
    """Ask for a stream."""
    connected = socket.socket()
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    connected.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connected, (host, port))
    upgrade = _UPGRADE if transport == "ws" else ""
    await loop.sock_sendall(connected, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{upgrade}\r\n".encode())
    peer = Peer(connected)
    head = await peer.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101" if transport == "ws" else b"HTTP/1.1 200"), head
    return peer


async def read_websocket(peer: Peer) -> AsyncIterator[dict[str, Any]]:
    """The messages of its text frames; pings are not answered. Ends with a close frame."""
    while True:
        await peer.fill(2)
        opcode, length, start = peer.buffer[0] & 15, peer.buffer[1] & 127, 2
        if length > 125:
            start += 2 if length == 126 else 8
            await peer.fill(start)
            length = int.from_bytes(peer.buffer[2:start], "big")
        await peer.fill(start + length)
        payload, peer.buffer = peer.buffer[start : start + length], peer.buffer[start + length :]
        if opcode == 8:
            return
        if opcode == 1:
            yield json.loads(payload)


async def read_sse(peer: Peer) -> AsyncIterator[dict[str, Any]]:
    """The messages of a chunked event stream."""
    body = b""
    while True:
        size = int(await peer.until(b"\r\n"), 16)
        if not size:
            return
        await peer.fill(size + 2)
        body += peer.buffer[:size]
        peer.buffer = peer.buffer[size + 2 :]
        *blocks, body = body.split(b"\n\n")
        for block in blocks:
            for line in block.split(b"\n"):
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
