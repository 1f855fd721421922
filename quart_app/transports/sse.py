"""Server-sent events (WHATWG HTML section 9.2): `/sse/<topic>`, `/sse?topic=…`."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final

from quart import Blueprint, Response

from quart_app.realtime.connection import Connection
from quart_app.realtime.event import Message
from quart_app.realtime.heartbeat import Heartbeat
from quart_app.realtime.limits import SSE_COMMENT
from quart_app.transports.direct import pipe_of
from quart_app.transports.handshake import direct, hub, opening, settings, source
from quart_app.transports.http import SentRequest

RETRY: Final = b"retry: 3000\n\n"
HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


class _Comment(Message):
    """A line that no page sees and every proxy does."""

    def __init__(self) -> None:
        super().__init__(b"")
        self._block = b": \n\n"


_comment: Final = _Comment()


def add_routes(routes: Blueprint) -> None:
    """`GET /sse`."""
    routes.get("/sse", defaults={"name": None})(_events)
    routes.get("/sse/<path:name>")(_events)


async def _events(name: str | None) -> Response:
    live = hub()
    request = source()
    assert isinstance(request, SentRequest)  # noqa: S101 - create_app sets the class
    connection = await live.open(opening("sse", name))
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a request is handled in a task
    # Whatever becomes of the response, even if its first byte is never asked for: this task ends.
    task.add_done_callback(lambda _: live.close(connection))
    stream = _Stream(connection, request.asgi_send, task)
    response = Response(stream.blocks(), headers=HEADERS)
    response.timeout = None
    return response


class _Stream:
    """One connection as a body that does not end before the connection does."""

    def __init__(self, connection: Connection, asgi_send: Any, task: asyncio.Task[object]) -> None:
        self._connection = connection
        self._asgi_send = asgi_send
        self._direct = direct()
        self._task = task
        self._heartbeat = hub().heartbeat
        self._peer_timeout = settings().peer_timeout
        self._loop = asyncio.get_running_loop()
        self._writing_since: float | None = None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        outlet = self._connection.subscription.outlet
        heartbeat = Heartbeat(self._heartbeat, self._beat, lambda: outlet.written_at)
        comment = Heartbeat(SSE_COMMENT, self._comment, lambda: outlet.written_at)
        try:
            yield RETRY
            # Only now: before, the head of the answer was not sent.
            pipe = pipe_of(self._asgi_send) if self._direct else None
            if pipe is not None:
                outlet.open(pipe.push, "chunk")
            while (batch := await self._connection.read()) is not None:
                self._writing_since = self._loop.time()
                audible, blocks = batch.messages[:1] != [_comment], batch.blocks
                outlet.count(len(batch.messages), len(blocks))
                del batch  # a peer that stalls here is to hold the bytes alone, not the events too
                if blocks:
                    yield blocks
                elif pipe is not None:
                    await pipe.drain()
                del blocks
                self._writing_since = None
                comment.sent()
                if audible:
                    heartbeat.sent()
        finally:
            heartbeat.stop()
            comment.stop()
            del self._task  # it holds this stream by its exception's traceback, where it was cancelled

    def _beat(self) -> None:
        if self._writing_since is None:
            self._connection.heartbeat()
        elif self._loop.time() - self._writing_since > self._peer_timeout:
            self._task.cancel()

    def _comment(self) -> None:
        if self._connection.subscription.idle:
            self._connection.reply(_comment)
