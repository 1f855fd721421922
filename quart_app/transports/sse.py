"""Server-sent events (WHATWG HTML section 9.2): `/sse/<topic>`, `/sse?topic=…`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from quart import Blueprint, Response, request

from quart_app.context import app
from quart_app.realtime import Batch, Connection, Form, Message
from quart_app.transports.below.direct import Pipe, pipe_of
from quart_app.transports.below.http import StreamedResponse
from quart_app.transports.opening import opening
from quart_app.transports.pump import Pump

RETRY: Final = b"retry: 3000\n\n"
HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


class _Comment(Message):
    """A comment line, which keeps proxies from cutting a silent stream and which browsers do not show to pages."""

    heard = False

    def __init__(self) -> None:
        super().__init__(b"")
        self._block = b": \n\n"


_comment: Final = _Comment()


class EventStreamCarrier:
    """The carrier of an event stream: chunks past ASGI where it is `direct`, else parts of the body.

    `send_body(data)` sends a part of the body through ASGI.
    """

    __slots__ = ("_send_body", "form", "pipe")

    comment: Message | None = _comment
    heard_at = float("inf")  # it is never asked: nobody can be pinged

    def __init__(self, asgi_send: Any, send_body: Callable[[bytes], Awaitable[None]], *, direct: bool) -> None:
        self._send_body = send_body
        self.form = Form.CHUNK
        self.pipe: Pipe | None = pipe_of(asgi_send) if direct else None

    def send(self, batch: Batch) -> tuple[int, Awaitable[None]]:
        """Return the size of a batch in bytes, and an awaitable that sends it."""
        blocks = batch.encoded(Form.BLOCKS)
        return len(blocks), self._send_body(blocks)

    def ping(self) -> bool:
        """Return False, because the peer of an event stream cannot be pinged."""
        return False

    def drop(self) -> None:
        """Do nothing: the pump cancels the answer's task next, and that cuts off what was not sent."""


class EventStreamAnswer(StreamedResponse):
    """The answer that goes on for as long as its connection."""

    def __init__(self, connection: Connection, *, heartbeat: float, peer_timeout: float, direct: bool) -> None:
        super().__init__(headers=HEADERS)
        self._connection = connection
        self._heartbeat = heartbeat
        self._peer_timeout = peer_timeout
        self._direct = direct

    async def stream(self, asgi_send: Any, send_body: Callable[[bytes], Awaitable[None]]) -> None:
        """Send the events, after the head, until the connection ends."""
        await send_body(RETRY)
        carrier = EventStreamCarrier(asgi_send, send_body, direct=self._direct)
        await Pump(self._connection, carrier, heartbeat=self._heartbeat, peer_timeout=self._peer_timeout).run()


def add_routes(routes: Blueprint) -> None:
    """Serve `GET /sse`."""
    routes.get("/sse", defaults={"name": None})(_events)
    routes.get("/sse/<path:name>")(_events)


async def _events(name: str | None) -> Response:
    live = app().hub
    asked = opening("sse", name)
    if request.method == "HEAD":  # its answer has no body, and would never be over
        await live.check(asked)
        return Response(headers=HEADERS)
    connection = await live.open(asked)
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a request is handled in a task
    # Whatever becomes of the response, even if its head is never sent: this task ends.
    task.add_done_callback(lambda _: live.closed(connection))
    return EventStreamAnswer(
        connection, heartbeat=live.heartbeat, peer_timeout=app().settings.peer_timeout, direct=app().direct
    )
