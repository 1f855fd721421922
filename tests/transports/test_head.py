"""`HEAD` of a stream and of a long poll: the head of the answer alone, for which nobody is let in."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.inside import serving


@pytest.mark.parametrize(
    ("path", "type"), [("/sse/rooms/1", b"text/event-stream"), ("/poll/rooms/1", b"application/json")]
)
async def test_it_is_answered_at_once_and_leaves_no_connection(tmp_path: Path, path: str, type: bytes) -> None:
    async with serving(tmp_path / "envivo.db") as (app, url):
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            for asked in (path, "/health"):  # the second shows that the first is over
                writer.write(f"HEAD {asked} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                assert head.startswith(b"HTTP/1.1 200")
                assert asked == "/health" or type in head
        finally:
            writer.close()
        assert app.hub.connections == {}
        assert sum(app.hub.counters.opened.values()) == 0


@pytest.mark.parametrize("transport", ["sse", "poll"])
async def test_it_is_refused_as_the_stream_would_be(tmp_path: Path, transport: str) -> None:
    async with serving(tmp_path / "envivo.db") as (_, url):
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"HEAD /{transport}/rooms/99 HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 404")
        writer.close()
