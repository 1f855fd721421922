"""A bound on request bodies, also on chunked ones, which tell no length beforehand."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from quart_app.realtime.limits import BODY_TIMEOUT
from quart_app.transports.below.inbox import arrived

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Coroutine[Any, Any, None]]

_TOO_BIG = b'{"success":false,"error":{"code":"too_big","message":"the body has more than %d bytes"}}'
_DISCARDED = 16  # times the limit that is read of a body that is too big


class BodyLimit:
    """ASGI middleware that lets a GET have no body, and no other request a body of more than `limit` bytes.

    A larger one is answered with 413 (RFC 9110 section 15.5.14), and its application is told that the client is gone.

    No answer goes out before the body has come in, and the rest of one that is too big is read and thrown away, within
    reason: Hypercorn ends the whole connection when data comes for a request that was answered already.

    Where `goes_on` does not hold any more for the scope of a request before its body is there, the client is gone, too:
    who it is may have been asked already.
    """

    def __init__(self, application: Application, limit: int, goes_on: Callable[[Any], bool] = lambda _: True) -> None:
        self._application = application
        self._limit = limit
        self._goes_on = goes_on

    def __call__(self, scope: Any, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        if scope["type"] != "http":
            return self._application(scope, receive, send)
        inbox = arrived(receive)
        if inbox is not None and inbox.size <= self._limit:  # there is nothing to wait for, nor to throw away
            return self._application(scope, receive, send)
        if scope["method"] in {"GET", "HEAD"}:
            return self._application(scope, _without_body(receive), send)
        return self._guard(scope, receive, send)

    async def _guard(self, scope: Any, receive: Receive, send: Send) -> None:
        guard = _Guard(receive, send, self._limit, partial(self._goes_on, scope))
        if _declared_length(scope) > self._limit:
            await guard.refuse()
        else:
            await self._application(scope, guard.receive, guard.send)


def _without_body(receive: Receive) -> Receive:
    """Return a `receive` that leaves out the body of a GET.

    Such a body means nothing (RFC 9110 section 9.3.1), and Quart would keep it, without a bound, until the answer is
    complete, which that of an event stream never is.
    """

    async def received() -> Any:
        while (event := await receive())["type"] == "http.request":
            if not event.get("more_body", False):
                return {**event, "body": b""}
        return event

    return received


def _declared_length(scope: Any) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() and len(length) < 19 else 0


class _Guard:
    def __init__(self, receive: Receive, send: Send, limit: int, goes_on: Callable[[], bool]) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._goes_on = goes_on
        self._size = 0
        self._complete = asyncio.Event()
        self._refused = False
        self._until = asyncio.get_running_loop().time() + BODY_TIMEOUT

    async def receive(self) -> Any:
        if self._refused:
            return {"type": "http.disconnect"}
        event = await self._receive()
        if not self._goes_on():
            event = {"type": "http.disconnect"}
        if event["type"] == "http.request":
            self._size += len(event.get("body", b""))
            if self._size > self._limit:
                await self.refuse(more=event.get("more_body", False))
                event = {"type": "http.disconnect"}
        if not event.get("more_body", False):
            self._complete.set()
        return event

    async def send(self, event: Any) -> None:
        if not self._complete.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._until):
                    await self._complete.wait()
        if not self._refused:
            await self._send(event)

    async def refuse(self, *, more: bool = True) -> None:
        """Refuse the request with 413, in the application's place."""
        self._refused = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._until):
                while more and self._size <= self._limit * _DISCARDED:
                    event = await self._receive()
                    self._size += len(event.get("body", b""))
                    more = event.get("more_body", False)
        headers = [(b"content-type", b"application/json")]
        await self._send({"type": "http.response.start", "status": 413, "headers": headers})
        await self._send({"type": "http.response.body", "body": _TOO_BIG % self._limit, "more_body": False})
