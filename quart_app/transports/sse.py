"""Server-sent events (WHATWG HTML section 9.2): `/sse/<topic>`, `/sse?topic=…`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from quart import Blueprint, Response, request

from quart_app.context import app
from quart_app.doors import door_of
from quart_app.identity import check_reader
from quart_app.realtime import Batch, Connection, Form, Hub, Message
from quart_app.transports.below.direct import is_over
from quart_app.transports.below.http import StreamedResponse
from quart_app.transports.below.taking import take_answer
from quart_app.transports.opening import opening, source
from quart_app.transports.pump import Pump
from quart_app.transports.sockets import Leaving, Socket

RETRY: Final = b"retry: 3000\n\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
"""The end of a chunked body (RFC 9112 section 7.1)."""
_FIRST_CHUNK: Final = b"%x\r\n%b\r\n" % (len(RETRY), RETRY)
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


class EventStream(Socket):
    """An event stream on a socket of its own: what its connection brings is written in chunks."""

    __slots__ = ()

    form = Form.CHUNK
    comment: Message | None = _comment
    heard_at = float("inf")  # it is never asked: nobody can be pinged

    def finish(self) -> None:
        """End the body, and leave."""
        self._leave(LAST_CHUNK, Leaving(self.hub, self._transport))


class EventStreamCarrier:
    """The carrier of an event stream that ASGI serves, by `asgi_send`; `send_body(data)` sends a part of the body."""

    __slots__ = ("_asgi_send", "_send_body")

    comment: Message | None = _comment
    heard_at = float("inf")  # it is never asked: nobody can be pinged

    def __init__(self, asgi_send: Any, send_body: Callable[[bytes], Awaitable[None]]) -> None:
        self._asgi_send = asgi_send
        self._send_body = send_body

    @property
    def gone(self) -> bool:
        """As of `liveness.Peer`."""
        return is_over(self._asgi_send)

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
    """The answer that goes on for as long as its connection; it may leave the server for a socket of its own."""

    def __init__(self, hub: Hub, connection: Connection, *, direct: bool) -> None:
        super().__init__(headers=HEADERS)
        self._hub = hub
        self._connection = connection
        self._direct = direct
        self._left = False

    async def stream(self, asgi_send: Any, send_body: Callable[[bytes], Awaitable[None]]) -> bool:
        """Send the events, after the head, until the connection ends, or until a socket of its own does that."""
        taken = take_answer(asgi_send) if self._direct else None
        if taken is not None:
            self._left = True
            EventStream(self._hub, self._connection, taken.transport).begin(_FIRST_CHUNK, b"")
            return False
        await send_body(RETRY)
        await Pump(self._hub, self._connection, EventStreamCarrier(asgi_send, send_body)).run()
        return True

    def closed(self) -> None:
        """Note that the request is over."""
        if not self._left:
            self._hub.closed(self._connection)


def add_routes(routes: Blueprint) -> None:
    """Serve `GET /sse`."""
    routes.get("/sse", defaults={"name": None})(_events)
    routes.get("/sse/<path:name>")(_events)


async def _events(name: str | None) -> Response:
    live = app().hub
    check_reader(door_of(source().scope), source())
    asked = opening("sse", name)
    if request.method == "HEAD":  # its answer has no body, and would never be over
        await live.check(asked)
        return Response(headers=HEADERS)
    answer = EventStreamAnswer(app().hub, await live.open(asked), direct=app().direct)
    if request.http_version == "1.1":
        answer.headers["Connection"] = "close"
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a request is handled in a task
    # Whatever becomes of the response, even if its head is never sent: this task ends.
    task.add_done_callback(lambda _: answer.closed())
    return answer
