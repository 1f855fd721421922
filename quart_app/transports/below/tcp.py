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
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import Any, Final
from weakref import WeakKeyDictionary

import h11

from quart_app.realtime.limits import PUSHED_BYTES
from quart_app.transports.below.hypercorn_018 import (
    LACKING,
    STREAM_ID,
    ASGIHTTPState,
    AsyncioSingleTask,
    H11Protocol,
    HTTPStream,
    ProtocolWrapper,
    RawData,
    RequestHead,
    ResponseHead,
    StreamClosed,
    TaskGroup,
    TCPServer,
    WorkerContext,
    handle_in_task,
    protocols,
    running,
    suppress_body,
    tcp_serving,
)

_FRAMING: Final = frozenset({b"connection", b"content-length", b"transfer-encoding"})
_PRIVATE: Final = frozenset({b"set-cookie"})
_REMEMBERED: Final = 512  # bytes of a header's value that is worth remembering

logger = logging.getLogger(__name__)


class Inbox(asyncio.Queue[Any]):
    """The events of one HTTP request, which its application takes out by `get`.

    `on_loss` is called when the peer is lost before its answer is complete.
    """

    _queue: deque[Any]  # of asyncio.Queue

    def __init__(self, size: int, stream: HTTPStream) -> None:
        super().__init__(size)
        self._stream = stream
        self.on_loss: Callable[[], object] | None = None

    async def put(self, event: Any) -> None:
        """Add an event, as soon as there is room for it."""
        lost = event["type"] == "http.disconnect" and self._stream.state is not ASGIHTTPState.CLOSED
        if lost and self.on_loss is not None:
            self.on_loss()
        await super().put(event)

    @property
    def whole(self) -> bool:
        """Whether the whole request has come in, and nothing else."""
        return bool(self._queue) and not self._queue[-1].get("more_body", True)

    @property
    def size(self) -> int:
        """The number of bytes of the body that are here."""
        return sum(len(event["body"]) for event in self._queue)

    def take(self) -> bytes:
        """Return the body of a `whole` request, which is then no longer here."""
        return b"".join([self.get_nowait()["body"] for _ in range(self.qsize())])


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

    async def _check_protocol(self, event: h11.Request) -> None:
        if event.method == b"PRI" or _upgrades(event):
            await super()._check_protocol(event)

    async def _create_stream(self, request: h11.Request) -> None:
        if _upgrades(request):
            await super()._create_stream(request)
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
        raw = self.config.h11_pass_raw_headers
        await self.stream.handle(
            RequestHead(
                STREAM_ID,
                request.headers.raw_items() if raw else list(request.headers),
                request.http_version.decode(),
                request.method.decode("ascii").upper(),
                request.target,
                self.connection_state,
            )
        )
        self.keep_alive_requests += 1
        await self.context.mark_request()

    async def stream_send(self, event: Any) -> None:
        if type(event) is ResponseHead and event.status_code >= 200:
            self._begin(event.status_code, event.headers)
        else:
            await super().stream_send(event)

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Begin an answer. Raise h11.LocalProtocolError where it cannot begin, or not with these headers."""
        framing, lines = [], []
        for name, value in chain(headers, _everywhere(self.config, int(time.time()))):
            if name.lower() in _FRAMING:
                framing.append((name, value))
            elif name in _PRIVATE or len(value) > _REMEMBERED:
                lines.append(_line.__wrapped__(name, value))
            else:
                lines.append(_line(name, value))
        if self.keep_alive_requests >= self.config.keep_alive_max_requests:
            framing.append((b"connection", b"close"))
        head = self._to_send(h11.Response(headers=framing, status_code=status))
        if head:
            self._head = b"".join((head[:-2], *lines, b"\r\n"))

    def _to_send(self, event: Any) -> bytes:
        try:
            return self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return b""

    async def _send_h11_event(self, event: Any) -> None:
        data = self.take_head() + self._to_send(event)
        if data:
            await self.send(RawData(data))

    def take_head(self) -> bytes:
        """Return the head of an answer that is not written yet, for whoever writes it now."""
        head, self._head = self._head, b""
        return head

    def whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
        """Return a whole answer as it is written. Raise h11.LocalProtocolError."""
        self._begin(status, headers)
        data = self._to_send(h11.Data(data=body)) if body else b""
        return self.take_head() + data + self._to_send(h11.EndOfMessage())


def _upgrades(request: h11.Request) -> bool:
    return any(name == b"upgrade" for name, _ in request.headers)


async def answer(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
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
    transport.write(protocol.whole(status, headers, body))
    stream.state = ASGIHTTPState.CLOSED
    stream.response = {"type": "http.response.start", "status": status, "headers": headers}
    await stream.config.log.access(stream.scope, stream.response, time.time() - stream.start_time)
    await protocol.stream_send(StreamClosed(STREAM_ID))
    return True


@lru_cache(maxsize=4)
def _everywhere(config: Any, second: int) -> list[tuple[bytes, bytes]]:
    """Return the headers that Hypercorn gives to every answer of that `second`; one of them is the date."""
    return config.response_headers("h11")  # type: ignore[no-any-return]  # it returns such a list


@lru_cache(maxsize=256)
def _line(name: bytes, value: bytes) -> bytes:
    """Return a header as it is written, after h11 has found nothing wrong with it. Raise h11.LocalProtocolError."""
    h11.Response(headers=[(name, value)], status_code=200)
    return b"%b: %b\r\n" % (name, value)


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
