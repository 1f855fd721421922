"""Quart's HTTP connection, with the patience and the end that Hypercorn lacks, and with answers that stream.

A request that has come in as a whole is answered in the server's own task, where Quart would make three more of it, and
an answer that is there as a whole is written in one piece.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import cached_property, lru_cache, partial
from typing import Any, Final
from urllib.parse import urlsplit

from quart import Response
from quart.asgi import ASGIHTTPConnection
from quart.helpers import _split_blueprint_path as with_parents
from quart.utils import encode_headers
from quart.wrappers import Request
from quart.wrappers.base import BaseRequestWebsocket
from quart.wrappers.response import DataBody
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.exceptions import BadRequestKeyError
from werkzeug.http import parse_options_header

from quart_app.transports.below.direct import drop, stop_reading
from quart_app.transports.below.http1 import answer
from quart_app.transports.below.inbox import Inbox, arrived

ANSWER_TIMEOUT: Final = 60.0  # s in which a peer has to take an answer that is no stream


class _Nothing(ImmutableMultiDict[str, str]):
    """What a request has none of."""

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]  # said once
        """Return `default`."""
        return default


_NONE: Final = _Nothing()


class ReceivedHeaders(Headers):
    """The headers of a request as ASGI has them, of which one is decoded when somebody asks for it. They are not to be
    changed."""

    def __init__(self, scope: Any) -> None:
        """Take the headers of an ASGI `scope`; as in Quart, where the request comes from is one of them."""
        came_from = (scope.get("client") or ["<local>"])[0].encode("latin-1")
        self._received = [(b"remote-addr", came_from), *scope["headers"]]
        self._first = {name.lower(): value for name, value in reversed(self._received)}
        if scope["http_version"] < "1.1" and b"host" not in self._first:
            self._received.append((b"host", b""))
            self._first[b"host"] = b""

    @cached_property
    def _list(self) -> list[tuple[str, str]]:  # type: ignore[override]  # it is made where somebody wants all
        return [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in self._received]

    def get(  # type: ignore[override]  # the same, said once
        self, key: str, default: Any = None, type: Callable[[str], Any] | None = None
    ) -> Any:
        """Return the first header of that name, as `type` has it; `default` where there is none."""
        value = self._first.get(key.lower().encode("latin-1"))
        if value is None:
            return default
        return value.decode("latin-1") if type is None else super().get(key, default, type)

    def _get_key(self, key: str) -> str:
        value: str | None = self.get(key)
        if value is None:
            raise BadRequestKeyError(key)
        return value

    def getlist(self, key: str, type: Any = None) -> list[Any]:
        """Return all headers of that name, as `type` has them."""
        return super().getlist(key, type) if key.lower().encode("latin-1") in self._first else []


@lru_cache(maxsize=256)
def _blueprints(endpoint: str) -> list[str]:
    blueprint, _, _ = endpoint.rpartition(".")
    return with_parents(blueprint) if blueprint else []


@lru_cache(maxsize=64)
def _mimetype(content_type: str) -> str:
    return parse_options_header(content_type)[0].lower()


class Received(BaseRequestWebsocket):
    """A request or a WebSocket of Quart's, which reads of itself what somebody asks for."""

    @property
    def args(self) -> Any:
        """The query parameters."""
        return super().args if self.query_string else _NONE

    @property
    def cookies(self) -> Any:
        """The cookies."""
        return _NONE if self.headers.get("Cookie") is None else super().cookies

    @property
    def mimetype(self) -> str:
        """The type of the body, without what is said beside it."""
        return _mimetype(self.headers.get("Content-Type", ""))

    @property
    def blueprints(self) -> list[str]:
        """The names of the blueprint of the route, and of those around it."""
        return [] if self.url_rule is None else _blueprints(self.url_rule.endpoint)


class ReceivedRequest(Received, Request):
    """Quart's request, of which nothing is read that nobody asks for."""


class _WholeBody:
    """A body that is there, in the place of Quart's, which can wait for one."""

    def __init__(self, *_limits: object) -> None:
        self._data = b""

    def set_result(self, data: bytes) -> None:
        self._data = data

    def __aiter__(self) -> "_WholeBody":
        return self

    async def __anext__(self) -> bytes:
        if not self._data:
            raise StopAsyncIteration
        data, self._data = self._data, b""
        return data

    def __await__(self) -> Generator[Any, None, bytes]:
        yield from ()
        return self._data

    def clear(self) -> None:
        self._data = b""


class WholeRequest(ReceivedRequest):
    """A request that has come in as a whole; nobody waits for its body."""

    body_class = _WholeBody  # type: ignore[assignment]  # it does what is asked of a body

    def __init__(self, *args: Any, whole: bytes, **options: Any) -> None:
        """Take the body as a `whole`; everything else is as for any request."""
        self.content_length = len(whole)
        super().__init__(*args, **options)
        self.body.set_result(whole)

    async def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        """Return the body."""
        if parse_form_data:
            await self._load_form_data()
        data: bytes = await self.body
        if not cache:
            self.body.clear()
        return data.decode() if as_text else data


class StreamedResponse(Response):
    """An answer that writes its own body, by `stream`, after the head was sent; that may take as long as it likes."""

    timeout = None

    async def stream(self, asgi_send: Any, send_body: Callable[[bytes], Awaitable[None]]) -> bool:
        """Write the body: `send_body` sends a part of it, and `asgi_send` is what the server gave to send with.

        Return whether the body is to be ended.
        """
        raise NotImplementedError


def while_there(send: Any) -> Any:
    """Return an ASGI `send` that does nothing once the peer is lost: the reading side is told so.

    Hypercorn 0.18 expects every error of a lost connection but a time-out.
    """

    async def send_while_there(event: Any) -> None:
        try:  # noqa: SIM105 - this is done for every delivery, and suppress() costs ten times as much
            await send(event)
        except OSError:
            pass

    return send_while_there


class CutOffConnection(ASGIHTTPConnection):
    """An HTTP connection whose answer is cut off where its peer takes nothing of it for too long.

    When a peer is lost in the middle of an answer, a request that it had sent ahead does not keep anything waiting.
    """

    async def __call__(self, receive: Any, send: Any) -> None:
        self._asgi_send = send
        try:
            inbox = arrived(receive)
            if inbox is None:
                await super().__call__(receive, while_there(send))
            else:
                await self._answer(inbox, while_there(send))
        finally:
            await stop_reading(send)

    async def _answer(self, inbox: Inbox, send: Any) -> None:
        """Answer the whole request that is in `inbox`, in this task, which is cancelled when the peer is lost."""
        body = inbox.take()
        if self.scope["method"] in {"GET", "HEAD"}:
            body = b""  # it means nothing there (RFC 9110 section 9.3.1)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the server runs this in a task
        lost = False

        def cut_off() -> None:
            nonlocal lost
            lost = True
            task.cancel()

        inbox.on_loss = cut_off
        try:
            request = self._request(partial(WholeRequest, whole=body), send)
            await self._send_response(send, await self.app.handle_request(request))
        except asyncio.CancelledError:
            await drop(self._asgi_send)
            if not lost:
                raise
            task.uncancel()
        finally:
            inbox.on_loss = None

    def _create_request_from_scope(self, send: Any) -> Request:
        return self._request(self.app.request_class, send)

    def _request(self, request_class: Callable[..., Request], send: Any) -> Request:
        scope, config = self.scope, self.app.config
        path, root = scope["path"], scope.get("root_path", "")
        if path[:1] != "/":  # the target is a whole address (RFC 9112 section 3.2.2)
            path = urlsplit(path).path
        if root:
            path = path.removeprefix(root) if path.startswith(root) and path != root else " "  # which is found nowhere
        return request_class(
            scope["method"],
            scope["scheme"],
            path,
            scope["query_string"],
            ReceivedHeaders(scope),
            root,
            scope["http_version"],
            max_content_length=config["MAX_CONTENT_LENGTH"],
            body_timeout=config["BODY_TIMEOUT"],
            send_push_promise=partial(self._send_push_promise, send),
            scope=scope,
        )

    async def handle_request(self, request: Request, send: Any) -> None:
        """Answer a request. Where this is cancelled (the peer is lost, or takes nothing for too long), drop the
        answer."""
        try:
            await super().handle_request(request, send)
        except asyncio.CancelledError:
            await drop(self._asgi_send)
            raise

    async def _send_response(self, send: Any, response: Any) -> None:
        if isinstance(response, StreamedResponse):
            await self._stream(send, response)
        elif not await self._send_at_once(response):
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT):
                    await super()._send_response(send, response)
            except TimeoutError:
                await drop(self._asgi_send)

    async def _send_at_once(self, response: Any) -> bool:
        """Send an answer that is there as a whole; return whether that could be done."""
        body = response.response
        if type(body) is not DataBody:
            return False
        data = body.data[body.begin : body.end]
        return await answer(self._asgi_send, response.status_code, list(response.headers), data)

    async def _stream(self, send: Any, response: StreamedResponse) -> None:
        async def send_body(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        headers = encode_headers(response.headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        if await response.stream(self._asgi_send, send_body):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
