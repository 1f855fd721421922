"""HTTP/1.1 as Hypercorn serves it, in fewer steps: headers are looked at once, an answer is written in one piece.

h11 reads every request and frames every answer, except the usual ones: a plain request of HTTP/1.1 that comes as a
whole and leaves the connection open, and the answer to it whose body is there as a whole. For these there is nothing to
decide. Where the answer to a usual request is another one, h11 reads the request after all, and frames the answer.
"""

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, cast

import h11

from quart_app.realtime.limits import PUSHED_BYTES
from quart_app.transports.below.heads import Head, plain_head
from quart_app.transports.below.hypercorn_018 import (
    STREAM_ID,
    ASGIHTTPState,
    Body,
    Closed,
    EndBody,
    H2ProtocolAssumedError,
    H11Protocol,
    HTTPStream,
    RawData,
    RequestHead,
    ResponseHead,
    Updated,
    suppress_body,
)
from quart_app.transports.below.inbox import owner

_FRAMING: Final = frozenset({b"connection", b"content-length", b"transfer-encoding"})  # headers of an answer
_PRIVATE: Final = frozenset({b"set-cookie"})
_UNUSUAL: Final = frozenset({b"expect", b"upgrade"})  # headers of a request
_DECIDES: Final = _UNUSUAL | {b"transfer-encoding"}  # headers by which h11 has something to decide
_DIGITS: Final = 12  # of a length
_METHODS: Final = frozenset({b"GET", b"POST", b"PUT", b"PATCH", b"DELETE"})
_STATUSES: Final = frozenset(range(200, 600)) - {204, 304}  # of answers with a body
_LINES: Final = 256  # header lines that are remembered
_LINE_BYTES: Final = 512  # and how long such a line may be

_BUSY: Final = Updated(idle=False)
_IDLE: Final = Updated(idle=True)
_END_OF_BODY: Final = EndBody(STREAM_ID)

_Header = tuple[str, str] | tuple[bytes, bytes]
_examined_lines: Final[dict[_Header, bytes]] = {}


class TidyH11(H11Protocol):
    """HTTP/1.1 that looks at the headers of a request once, and writes an answer in one piece where it can."""

    _head = b""
    """The head of an answer, which is written together with what comes next."""
    _usual = False
    """Whether the request is one after which the connection stays open, and whose answer has a body."""
    _renewed = False
    """Whether `connection` is new since the last answer."""
    _unread = b""
    """The request that is being answered, where h11 has not read it."""
    _over = False
    """Whether the connection is over, or somebody else's."""
    _unclear = False
    """Whether the request tells its length in two ways, so that somebody else may read another one (RFC 9112 section
    6.1)."""

    def give_up(self) -> None:
        """Read nothing more, and nothing of what waits to be read: the connection is somebody else's."""
        self._over = True
        cast("Any", self.can_read)._event.set()  # as its own `set` does, which would have to be awaited

    async def handle(self, event: Any) -> None:
        if type(event) is RawData:
            if self._unread and event.data:
                await self._wait_to_read()
            if self._over or self._unread:  # without data the peer says no more, and has said all
                return
            if self.stream is None and self.connection.our_state is h11.IDLE and not self.connection.trailing_data[0]:
                head = usual_head(event.data)
                if head is not None and not self.config.h11_pass_raw_headers:
                    await self._begin_usual(head, event.data)
                    return
        await super().handle(event)

    async def _wait_to_read(self) -> None:
        """Return when the answer that is under way is complete."""
        await self.can_read.clear()
        await self.can_read.wait()

    async def _begin_usual(self, head: Head, data: bytes) -> None:
        await self.send(_BUSY)
        self._usual = True
        self._unread = data
        await self._open_stream(head.headers, b"1.1", head.method, head.target)
        if (stream := self.stream) is not None:
            if len(data) > head.size:
                await stream.handle(Body(STREAM_ID, data[head.size :]))
            await stream.handle(_END_OF_BODY)

    async def _handle_events(self) -> None:
        """Take what has come in, as Hypercorn does, by comparisons that cost less."""
        while not self._over:
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
                await self._wait_to_read()
            elif event is h11.NEED_DATA or kind is h11.ConnectionClosed or self.stream is None:
                return
            elif kind is h11.Data:
                await self.stream.handle(Body(STREAM_ID, event.data))
            elif kind is h11.EndOfMessage:
                await self.stream.handle(_END_OF_BODY)
            else:  # of a WebSocket
                await self.stream.handle(event)

    def _refusal(self, request: h11.Request) -> int | None:
        """Return the status that refuses a request whatever it asks for, None where there is no reason to. Raise
        H2ProtocolAssumedError for the preface of HTTP/2 (RFC 9113 section 3.3), as the first that a peer sends."""
        if request.method == b"PRI" and request.http_version == b"2.0" and not self.keep_alive_requests:
            raise H2ProtocolAssumedError(b"PRI * HTTP/2.0\r\n\r\n" + self.connection.trailing_data[0])
        if not request.http_version.startswith(b"1."):
            return 505
        size = len(request.target) + sum([len(name) + len(value) for name, value in request.headers.raw_items()])
        # h11 asks for the size only of what has not come as a whole.
        return 431 if size > self.config.h11_max_incomplete_size else None

    async def _begin_request(self, request: h11.Request) -> None:
        if (status := self._refusal(request)) is not None:
            self._over = True
            await self._send_error_response(status)
            await self.send(Closed())
            return
        headers = [(name.lower(), value) for name, value in request.headers.raw_items()]
        names = {name for name, _ in headers}
        self._usual = (
            request.http_version == b"1.1"
            and request.method in _METHODS
            and names.isdisjoint(_UNUSUAL)
            and (b"connection" not in names or _all_keep_alive(headers))
        )
        self._unclear = b"content-length" in names and b"transfer-encoding" in names
        if b"upgrade" in names:
            await self._create_stream(request)  # to HTTP/2 nobody is upgraded: a proxy would not know what passes it
            return
        if self.config.h11_pass_raw_headers:
            headers = request.headers.raw_items()
        await self._open_stream(headers, request.http_version, request.method, request.target)

    async def _open_stream(
        self, headers: list[tuple[bytes, bytes]], version: bytes, method: bytes, target: bytes
    ) -> None:
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
        named = method.decode("ascii").upper()
        head = RequestHead(STREAM_ID, headers, version.decode(), named, target, self.connection_state)
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
            self._head = b"".join((head[:-2], *lines, common_lines(self.config), b"\r\n"))

    @property
    def _is_last(self) -> bool:
        return self._unclear or self.keep_alive_requests >= self.config.keep_alive_max_requests

    def _to_send(self, event: Any) -> bytes:
        if self._unread:
            self._let_h11_read()
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

    def whole_answer(self, status: int, headers: Iterable[_Header], body: bytes) -> bytes:
        """Return a whole answer as it is written. Raise h11.LocalProtocolError."""
        complete = bool(self._unread) or self.connection.their_state is h11.DONE
        if self._usual and complete and not self._is_last and status in _STATUSES:
            framing, lines = _divided(headers)
            if framing == [(b"content-length", b"%d" % len(body))]:
                self._renew()
                head = b"HTTP/1.1 %d \r\ncontent-length: %d\r\n" % (status, len(body))
                return b"".join((head, *lines, common_lines(self.config), b"\r\n", body))
        self._begin_answer(status, headers)
        data = self._to_send(h11.Data(data=body)) if body else b""
        return self.take_head() + data + self._to_send(h11.EndOfMessage())

    def _renew(self) -> None:
        """Begin anew with what has come in after a request, whose answer h11 need not frame."""
        self._renewed = True
        if self._unread:
            self._unread = b""
            return
        rest, ended = self.connection.trailing_data
        self.connection = h11.Connection(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)
        if rest:
            self.connection.receive_data(rest)
        if ended:
            self.connection.receive_data(b"")

    def _let_h11_read(self) -> None:
        data, self._unread = self._unread, b""
        self.connection.receive_data(data)
        while type(self.connection.next_event()) in {h11.Request, h11.Data}:
            pass

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


def usual_head(data: bytes) -> Head | None:
    """Return the head of the usual request that `data` is, None where it is no such request, or not that alone."""
    head = plain_head(data)
    if head is None or head.method not in _METHODS:
        return None
    named = head.named
    length = named.get(b"content-length", b"0")
    usual = (
        len(named) == len(head.headers)
        and b"host" in named
        and _DECIDES.isdisjoint(named)
        and named.get(b"connection", b"keep-alive").lower() == b"keep-alive"
        and length.isdigit()
        and len(length) < _DIGITS
        and len(data) == head.size + int(length)
    )
    return head if usual else None


def _all_keep_alive(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return all(value.lower() == b"keep-alive" for name, value in headers if name == b"connection")


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


def common_lines(config: Any) -> bytes:
    """Return the header lines that Hypercorn gives to every answer now; one of them is the date."""
    return _common_lines_of(config, int(time.time()))


@lru_cache(maxsize=4)
def _common_lines_of(config: Any, _second: int) -> bytes:
    return b"".join([_line(name, value) for name, value in config.response_headers("h11")])


async def answer(send: Any, status: int, headers: Iterable[_Header], body: bytes) -> bool:
    """Answer a request in one piece, past ASGI; return whether that was done. It is not done over HTTP/2, and not where
    the peer would have to be waited for.

    Raise h11.LocalProtocolError where the answer is not well formed.
    """
    stream = owner(send)
    if type(stream) is not HTTPStream or stream.closed or stream.state is not ASGIHTTPState.REQUEST:
        return False
    protocol = owner(stream.send)
    if type(protocol) is not TidyH11:
        return False
    transport = owner(protocol.send).writer.transport
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
