"""Quart's HTTP connection, with the patience and the end that Hypercorn lacks, and with answers that stream."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from quart import Response
from quart.asgi import ASGIHTTPConnection
from quart.utils import encode_headers
from quart.wrappers import Request

from quart_app.transports.below.direct import drop, hold_back, stop_reading


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
    """An HTTP connection that makes an answer wait for a slow peer, whatever the version of HTTP.

    When a peer is lost in the middle of an answer, a request that it had sent ahead does not keep anything waiting.
    """

    async def __call__(self, receive: Any, send: Any) -> None:
        self._asgi_send = send
        hold_back(send)
        try:
            await super().__call__(receive, while_there(send))
        finally:
            await stop_reading(send)

    async def handle_request(self, request: Request, send: Any) -> None:
        """Answer a request. Where this is cancelled (the peer is lost, or takes nothing for too long), drop the
        answer."""
        try:
            await super().handle_request(request, send)
        except asyncio.CancelledError:
            await drop(self._asgi_send)
            raise

    async def _send_response(self, send: Any, response: Any) -> None:
        if not isinstance(response, StreamedResponse):
            await super()._send_response(send, response)
            return

        async def send_body(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        headers = encode_headers(response.headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        if await response.stream(self._asgi_send, send_body):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
