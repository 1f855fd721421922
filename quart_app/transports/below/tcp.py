"""Hypercorn's side of a TCP connection, without what no request needs: what a request does not pay below ASGI.

Hypercorn (0.18) makes and cancels tasks to time the pauses between requests, wakes a task to hand over a body that is
there already, and writes an answer in three parts, each header of which h11 examines anew. `serve_tidily` puts classes
in the place of Hypercorn's that do the same with less; h11 goes on reading and framing every message. Where another
release serves, nothing of this is used.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

import h11

from quart_app.realtime.limits import PUSHED_BYTES
from quart_app.transports.below.hypercorn_018 import (
    LACKING,
    STREAM_ID,
    ASGIHTTPState,
    AsyncioSingleTask,
    Body,
    Closed,
    EndBody,
    H11Protocol,
    HTTPStream,
    ProtocolWrapper,
    RawData,
    RequestHead,
    ResponseHead,
    TaskGroup,
    TCPServer,
    Updated,
    WorkerContext,
    handle_in_task,
    protocols,
    running,
    suppress_body,
    tcp_serving,
)

_FRAMING: Final = frozenset({b"connection", b"content-length", b"transfer-encoding"})
_UNUSUAL: Final = frozenset({b"connection", b"expect", b"upgrade"})  # headers of a request
_METHODS: Final = frozenset({b"GET", b"POST", b"PUT", b"PATCH", b"DELETE"})
_STATUSES: Final = frozenset(range(200, 600)) - {204, 304}  # of answers with a body
_PRIVATE: Final = frozenset({b"set-cookie"})
_LINES: Final = 256  # header lines that are remembered
_LINE_BYTES: Final = 512  # and how long such a line may be

_BUSY: Final = Updated(idle=False)
_IDLE: Final = Updated(idle=True)
_END_OF_BODY: Final = EndBody(STREAM_ID)

_Header = tuple[str, str] | tuple[bytes, bytes]
_examined_lines: Final[dict[_Header, bytes]] = {}

logger = logging.getLogger(__name__)


class Inbox:
    """The events of one HTTP request that its application has not taken yet; there is room for `size` of them.

    `on_loss` is called when the peer is lost before its answer is complete.
    """

    __slots__ = ("_events", "_size", "_stream", "_waiting", "on_loss")

    def __init__(self, size: int, stream: HTTPStream) -> None:
        self._events: deque[Any] = deque()
        self._size = size
        self._stream = stream
        self._waiting: list[asyncio.Future[None]] = []
        self.on_loss: Callable[[], object] | None = None

    async def put(self, event: Any) -> None:
        """Add an event, as soon as there is room for it."""
        lost = event["type"] == "http.disconnect" and self._stream.state is not ASGIHTTPState.CLOSED
        if lost and self.on_loss is not None:
            self.on_loss()
        while len(self._events) >= self._size:
            await self._change()
        self._events.append(event)
        self._changed()

    async def get(self) -> Any:
        """Return the next event, as soon as there is one."""
        while not self._events:
            await self._change()
        event = self._events.popleft()
        self._changed()
        return event

    @property
    def whole(self) -> bool:
        """Whether the whole request has come in, and nothing else."""
        return bool(self._events) and not self._events[-1].get("more_body", True)

    @property
    def size(self) -> int:
        """The number of bytes of the body that are here."""
        return sum([len(event["body"]) for event in self._events])

    def take(self) -> bytes:
        """Return the body of a `whole` request, which is then no longer here."""
        body = b"".join([event["body"] for event in self._events])
        self._events.clear()
        return body

    async def _change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    def _changed(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()


def arrived(receive: Any) -> Inbox | None:
    """Return the inbox behind an ASGI `receive` where a whole request is in it, None anywhere else."""
    inbox = _owner(receive)
    return inbox if type(inbox) is Inbox and inbox.whole else None


def _owner(method: Any) -> Any:
    """Return the object that a bound method belongs to, None for another callable."""
    return getattr(method, "__self__", None)


class _TidyTaskGroup(TaskGroup):
    """The tasks of one connection; each HTTP request gets an `Inbox`."""

    async def spawn_app(self, app: Any, config: Any, scope: Any, send: Any) -> Any:
        if scope["type"] != "http":
            return await super().spawn_app(app, config, scope, send)
        inbox = Inbox(config.max_app_queue_size, _owner(send))
        self.spawn(handle_in_task, app, config, scope, inbox.get, send, None, None)  # these two are for WSGI
        return inbox.put


class TidyH11(H11Protocol):
    """HTTP/1.1 that looks at the headers of a request once, and writes an answer in one piece where it can."""

    _head = b""
    """The head of an answer, which is written together with what comes next."""
    _usual = False
    """Whether the request is one of HTTP/1.1 that says nothing of the connection, which therefore stays open."""
    _renewed = False
    """Whether `connection` is new since the last answer."""

    async def _handle_events(self) -> None:
        """Take what has come in, as Hypercorn does, by comparisons that cost less."""
        while True:
            if self.connection.they_are_waiting_for_100_continue:
                headers = self.config.response_headers("h11")
                await self._send_h11_event(h11.InformationalResponse(status_code=100, headers=headers))
            try:
                event: Any = self.connection.next_event()
            except h11.RemoteProtocolError as error:
                if self.connection.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                    await self._send_error_response(error.error_status_hint)
                await self.send(Closed())
                return
            kind = type(event)
            if kind is h11.Request:
                await self.send(_BUSY)
                await self._begin_request(event)
            elif event is h11.PAUSED:
                await self.can_read.clear()
                await self.can_read.wait()
            elif event is h11.NEED_DATA or kind is h11.ConnectionClosed or self.stream is None:
                return
            elif kind is h11.Data:
                await self.stream.handle(Body(STREAM_ID, event.data))
            elif kind is h11.EndOfMessage:
                await self.stream.handle(_END_OF_BODY)
            else:  # of a WebSocket
                await self.stream.handle(event)

    async def _begin_request(self, request: h11.Request) -> None:
        headers = [(name.lower(), value) for name, value in request.headers.raw_items()]
        names = {name for name, _ in headers}
        self._usual = names.isdisjoint(_UNUSUAL) and request.http_version == b"1.1" and request.method in _METHODS
        if b"upgrade" in names or request.method == b"PRI":
            await self._check_protocol(request)
            await self._create_stream(request)
            return
        self.stream = HTTPStream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        if self.config.h11_pass_raw_headers:
            headers = request.headers.raw_items()
        version, method = request.http_version.decode(), request.method.decode("ascii").upper()
        head = RequestHead(STREAM_ID, headers, version, method, request.target, self.connection_state)
        await self.stream.handle(head)
        self.keep_alive_requests += 1
        await self.context.mark_request()

    async def stream_send(self, event: Any) -> None:
        if type(event) is ResponseHead and event.status_code >= 200:
            self._begin_answer(event.status_code, event.headers)
        else:
            await super().stream_send(event)

    def _begin_answer(self, status: int, headers: Iterable[_Header]) -> None:
        """Begin an answer. Raise h11.LocalProtocolError where it cannot begin, or not with these headers."""
        framing, lines = _divided(headers)
        if self._is_last:
            framing.append((b"connection", b"close"))
        head = self._to_send(h11.Response(headers=framing, status_code=status))
        if head:
            self._head = b"".join((head[:-2], *lines, self._common_lines(), b"\r\n"))

    def _common_lines(self) -> bytes:
        return _everywhere(self.config, int(time.time()))

    @property
    def _is_last(self) -> bool:
        return self.keep_alive_requests >= self.config.keep_alive_max_requests

    def _to_send(self, event: Any) -> bytes:
        try:
            return self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return b""

    async def _send_h11_event(self, event: Any) -> None:
        data = self._with_head(self._to_send(event))
        if data:
            await self.send(RawData(data))

    def _with_head(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + data if head else data

    def whole_answer(self, status: int, headers: Iterable[_Header], body: bytes) -> bytes:
        """Return a whole answer as it is written. Raise h11.LocalProtocolError."""
        if self._usual and not self._is_last and status in _STATUSES and self.connection.their_state is h11.DONE:
            framing, lines = _divided(headers)
            if framing == [(b"content-length", b"%d" % len(body))]:
                self._renew()
                head = b"HTTP/1.1 %d \r\ncontent-length: %d\r\n" % (status, len(body))
                return b"".join((head, *lines, self._common_lines(), b"\r\n", body))
        self._begin_answer(status, headers)
        data = self._to_send(h11.Data(data=body)) if body else b""
        return self._with_head(data + self._to_send(h11.EndOfMessage()))

    def _renew(self) -> None:
        """Begin anew with what has come in after a request, whose answer h11 need not frame."""
        rest, ended = self.connection.trailing_data
        self.connection = h11.Connection(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)
        if rest:
            self.connection.receive_data(rest)
        if ended:
            self.connection.receive_data(b"")
        self._renewed = True

    async def end_answer(self) -> None:
        """Go on to the next request, or close the connection where this one was the last."""
        await self._maybe_recycle()

    async def _maybe_recycle(self) -> None:
        if not self._renewed:
            await super()._maybe_recycle()
            return
        self._renewed = False
        await self._close_stream()
        await self.can_read.set()
        await self.send(Closed() if self.context.terminated.is_set() else _IDLE)


def _divided(headers: Iterable[_Header]) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """Return the headers by which h11 frames an answer, and the lines of all others. Raise h11.LocalProtocolError."""
    framing, lines = [], []
    for header in headers:
        line = _examined_lines.get(header)
        if line is None:
            name, value = _in_bytes(header)
            if name in _FRAMING:
                framing.append((name, value))
                continue
            line = _line(name, value)
            if name not in _PRIVATE and len(line) <= _LINE_BYTES:
                _remember(header, line)
        lines.append(line)
    return framing, lines


def _remember(header: _Header, line: bytes) -> None:
    if len(_examined_lines) >= _LINES:
        _examined_lines.clear()
    _examined_lines[header] = line


def _in_bytes(header: Any) -> tuple[bytes, bytes]:
    name, value = header
    if isinstance(name, str):
        name, value = name.encode(), value.encode()
    return name.lower(), value


def _line(name: bytes, value: bytes) -> bytes:
    """Return a header as it is written, after h11 has found nothing wrong with it. Raise h11.LocalProtocolError."""
    h11.Response(headers=[(name, value)], status_code=200)
    return b"%b: %b\r\n" % (name, value)


@lru_cache(maxsize=4)
def _everywhere(config: Any, second: int) -> bytes:
    """Return the header lines that Hypercorn gives to every answer of that `second`; one of them is the date."""
    return b"".join([_line(name, value) for name, value in config.response_headers("h11")])


async def answer(send: Any, status: int, headers: Iterable[_Header], body: bytes) -> bool:
    """Answer a request in one piece, past ASGI; return whether that was done. It is not done over HTTP/2, and not where
    the peer would have to be waited for.

    Raise h11.LocalProtocolError where the answer is not well formed.
    """
    stream = _owner(send)
    if type(stream) is not HTTPStream or stream.closed or stream.state is not ASGIHTTPState.REQUEST:
        return False
    protocol = _owner(stream.send)
    if type(protocol) is not TidyH11:
        return False
    transport = _owner(protocol.send).writer.transport
    if transport.is_closing() or transport.get_write_buffer_size() + len(body) > PUSHED_BYTES:
        return False
    if suppress_body(stream.scope["method"], status):
        body = b""
    transport.write(protocol.whole_answer(status, headers, body))
    stream.state = ASGIHTTPState.CLOSED
    await _note(stream, status, headers)
    await protocol.end_answer()
    return True


async def _note(stream: HTTPStream, status: int, headers: Iterable[_Header]) -> None:
    """Put an answer into the access log, where there is one."""
    log = stream.config.log
    if log.access_logger is not None:
        answered: Any = {"status": status, "headers": [_in_bytes(header) for header in headers]}
        await log.access(stream.scope, answered, time.time() - stream.start_time)


class _IdleWatch:
    """The watch over all connections of a server that are between two requests.

    Each has the same time (s), so that they stand in the order in which it will be over.
    """

    def __init__(self, context: WorkerContext, patience: float) -> None:
        self._terminated = context.terminated
        self._patience = patience
        self._since: dict[TidyTCPServer, float] = {}
        self._now = asyncio.get_running_loop().time
        self._task = asyncio.create_task(self._run(), name="idle connections")

    def begin(self, server: "TidyTCPServer") -> None:
        self._since.pop(server, None)
        self._since[server] = self._now()
        if self._task.done():
            self._task = asyncio.create_task(self._run())  # the server ends: so does this connection, at once

    def end(self, server: "TidyTCPServer") -> None:
        self._since.pop(server, None)

    async def _run(self) -> None:
        while not self._terminated.is_set():
            oldest = next(iter(self._since.values()), self._now())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(oldest + self._patience):
                    await self._terminated.wait()
            await self._close(self._now() - self._patience)
        await self._close(self._now())

    async def _close(self, before: float) -> None:
        """Close the connections that have been idle since `before`, or for longer."""
        while self._since and next(iter(self._since.values())) <= before:
            server = next(iter(self._since))
            self.end(server)
            try:
                await server.leave()
            except Exception:
                logger.exception("an idle connection was not closed in order")


_watches: WeakKeyDictionary[WorkerContext, _IdleWatch] = WeakKeyDictionary()


class _IdleTime(AsyncioSingleTask):
    """The idle timer of one connection, in the place of Hypercorn's, which makes a task for each pause."""

    def __init__(self, server: "TidyTCPServer", watch: _IdleWatch) -> None:
        self._server: TidyTCPServer | None = server
        self._watch = watch

    async def restart(self, _task_group: Any, _action: Any) -> None:
        """Count the idle time from now on."""
        if self._server is not None:
            self._watch.begin(self._server)

    async def stop(self) -> None:
        """Count no idle time for now."""
        if self._server is not None:
            self._watch.end(self._server)

    async def finish(self) -> None:
        """Count none any more: there is no next request to wait for."""
        await self.stop()
        self._server = None


class _Over(ProtocolWrapper):
    """A stand-in for the protocol of a connection that is over, for whoever still tries to send on it."""

    def __init__(self) -> None:
        """Begin nothing."""

    async def handle(self, event: Any) -> None:
        """Do nothing."""


_OVER: Final = _Over()


class TidyTCPServer(TCPServer):
    """Hypercorn's side of one TCP connection, which ends sooner and frees its memory sooner than Hypercorn's own.

    It ends with its peer's side, where Hypercorn would wait for the rest of the keep-alive time. At its end it drops
    the reference to its protocol, which refers back to it: otherwise about a hundred objects in a cycle would wait for
    the garbage collector, which would take a second when a crowd has left.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        watch = _watches.get(self.context)
        if watch is None:
            watch = _watches[self.context] = _IdleWatch(self.context, self.config.keep_alive_timeout)
        self.idle_task = self._idle_time = _IdleTime(self, watch)

    async def run(self) -> None:
        try:
            await super().run()
        except OSError:
            pass  # the peer is lost, in one of the ways that Hypercorn does not expect when it closes
        finally:
            await self._idle_time.finish()
            self.protocol = _OVER

    async def leave(self) -> None:
        """Close the connection, which is idle."""
        await self._initiate_server_close()

    async def _read_data(self) -> None:
        """Read to the end of the peer's side: an answer that is complete after that is the last one."""
        await super()._read_data()
        await self._idle_time.finish()


INSTEAD: Final = (
    (running, "TCPServer", TidyTCPServer),
    (tcp_serving, "TaskGroup", _TidyTaskGroup),
    (protocols, "H11Protocol", TidyH11),
)
"""The modules of Hypercorn, and what is put there in the place of what: there is no other way in."""


def serve_tidily() -> None:
    """Have Hypercorn serve by the classes of this module, where its release is the one that they know."""
    if not LACKING:
        for module, name, ours in INSTEAD:
            vars(module)[name] = ours
