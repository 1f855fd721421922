"""What stands between a node and a server that it needs: the cable, which can be pulled, and the switch, which can be
switched off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.cluster.proxy import until_either_ends
from tests.running import listening

_CHUNK: Final = 65536


class Cable:
    """The way from one node to the server on `port`. `url` tells where it begins, and `ports` are those from which the
    server was reached by it."""

    def __init__(self, port: int) -> None:
        self.url = ""
        self.ports: set[int] = set()
        self._port = port
        self._whole = asyncio.Event()
        self._whole.set()
        self._refuses = False
        self._open: set[asyncio.Task[None]] = set()

    def leads(self, url: str) -> str:
        """Return the URL of the server, as the node is to have it."""
        return url.replace(f":{self._port}/", f":{self.url.rsplit(':', 1)[1]}/")

    def freeze(self) -> None:
        """Let nothing through, and tell nobody, until `mend`: what is under way waits, as where packets get lost."""
        self._whole.clear()

    async def cut(self) -> None:
        """End all connections, and refuse new ones until `mend`."""
        self._refuses = True
        await self.stop()

    def mend(self) -> None:
        """Let everything through again."""
        self._refuses = False
        self._whole.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection of the node until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._bring(reader, writer)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()  # an end like any other
        finally:
            self._open.discard(task)
            writer.close()

    async def _bring(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        if self._refuses:
            raise ConnectionRefusedError
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        self.ports.add(to_server.get_extra_info("sockname")[1])
        await until_either_ends(to_server, self._pump(reader, to_server), self._pump(from_server, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._whole.wait()
            writer.write(data)
            await writer.drain()
        await self._whole.wait()  # nobody hears of an end either

    async def stop(self) -> None:
        """End what is open."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


@asynccontextmanager
async def cable(port: int) -> AsyncIterator[Cable]:
    """Give a cable to the server on a port of this machine."""
    one = Cable(port)
    async with listening(one):
        yield one
