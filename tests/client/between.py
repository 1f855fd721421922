"""Something between client and server that behaves as such things do: a TCP proxy with faults to switch on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

CHUNK = 65536
KINDS = ("ws", "sse", "poll", "send")


def answer(status: str, body: str = "<html>Log in to use this network</html>", *headers: str) -> bytes:
    """Return the answer of something in between; `status` is code and reason."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        "Content-Type: text/html",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", body]).encode()


class Between:
    """A proxy whose faults are switches; each applies to what passes from then on."""

    def __init__(self, port: int) -> None:
        """Make a proxy to the real server at `port`."""
        self.port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.refuses_websockets = False
        self.answers: dict[str, bytes] = {}
        """What it answers itself, by the kind of the request: ws, sse, poll, send."""
        self.holds_events = False
        """Takes event streams, and lets nothing of them through."""
        self.buffers_events = 0
        """Bytes of an event stream that are kept until so many are there, as buffering proxies do."""
        self.cuts_websockets_young = False
        """Cuts a WebSocket as soon as its first message has passed: what some security boxes do."""
        self.freezes_websockets = False
        """Lets nothing through on WebSockets, and keeps them open."""
        self.seen: list[str] = []
        """The kinds of the requests that came, in order: ws, sse, poll, send, other."""
        self.url = ""

    def cut(self) -> None:
        """Cut every connection, as a network that fails."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def end(self) -> None:
        """Cut every connection, and waits until they are gone."""
        while self._serving:
            self.cut()
            await asyncio.wait(self._serving, timeout=0.1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self._writers.add(writer)
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        finally:
            self._writers.discard(writer)
        ends = {writer, upstream}
        self._writers |= ends
        kind = ["other"]
        pumps = {
            asyncio.create_task(self._up(reader, upstream, writer, kind)),
            asyncio.create_task(self._down(upstream_reader, writer, kind)),
        }
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        self._writers -= ends
        for end in ends:
            end.close()

    async def _up(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        kind: list[str],
    ) -> None:
        while data := await reader.read(CHUNK):
            if data.startswith((b"GET /", b"POST /")):
                path = data.partition(b"/")[2][:4]
                kind[0] = next((name for name in KINDS if path.startswith(name.encode())), "other")
                self.seen.append(kind[0])
            refusal = answer("403 Forbidden") if kind[0] == "ws" and self.refuses_websockets else None
            if own := refusal or self.answers.get(kind[0]):
                writer.write(own)
                await writer.drain()
                return
            if not (kind[0] == "ws" and self.freezes_websockets):
                upstream.write(data)
                await upstream.drain()

    async def _down(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: list[str]) -> None:
        passed, buffered = 0, b""
        while data := await upstream.read(CHUNK):
            if (kind[0] == "sse" and self.holds_events) or (kind[0] == "ws" and self.freezes_websockets):
                continue
            if kind[0] == "sse" and self.buffers_events:
                buffered += data
                if len(buffered) < self.buffers_events:
                    continue
                data, buffered = buffered, b""
            writer.write(data)
            await writer.drain()
            passed += 1
            # The first piece is the 101, the second the first message.
            if kind[0] == "ws" and self.cuts_websockets_young and (passed > 1 or b'"connection_id"' in data):
                return


@contextlib.asynccontextmanager
async def between(port: int) -> AsyncIterator[Between]:
    """Give a proxy to the server at `port`, transparent at first; its address is `.url`."""
    proxy = Between(port)
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        listening.close()
        await proxy.end()
        await listening.wait_closed()
