"""The line between a node and a server: it passes bytes on, until it is cut; and the passing itself."""

import asyncio
from typing import Final

_CHUNK: Final = 65536

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""What is read from a connection and what is written to it."""


class Line:
    """A port of this machine behind which `host`:`port` is. While it is cut, what was open is reset and nothing new is
    let through, as by a firewall that says so."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.is_cut = False
        self._behind = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen, on a free port."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset all connections, and refuse new ones."""
        self.is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def heal(self) -> None:
        """Let connections through again."""
        self.is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.is_cut:
                writer.transport.abort()
            else:
                await pass_on((reader, writer), await asyncio.open_connection(*self._behind))
        except OSError:
            pass  # the server is away: an end like any other
        finally:
            self._open.discard(writer)
            writer.close()


async def pass_on(near: Ends, far: Ends) -> None:
    """Pass bytes on between two connections until either side ends. Both are closed then; what was read from one is
    still written to the other."""
    ways = [asyncio.create_task(_pump(near[0], far[1])), asyncio.create_task(_pump(far[0], near[1]))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        far[1].close()
        near[1].close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
