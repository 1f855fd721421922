"""Quart's HTTP connection, with the patience and the end that Hypercorn lacks."""

import asyncio
from typing import Any

from quart.asgi import ASGIHTTPConnection
from quart.wrappers import Request

from quart_app.transports.direct import drop, hold_back, stop_reading


class SentRequest(Request):
    """Quart's request, with the ASGI `send` that its answer goes to."""

    asgi_send: Any = None


def while_there(send: Any) -> Any:
    """An ASGI `send` that does nothing once the peer is lost: the reading side is told so. Hypercorn 0.18 expects every
    error of a lost connection but a time-out."""

    async def send_while_there(event: Any) -> None:
        try:  # noqa: SIM105 - this is done for every delivery, and suppress() costs ten times as much
            await send(event)
        except OSError:
            pass

    return send_while_there


class CutOffConnection(ASGIHTTPConnection):
    """A slow peer holds its answer back, whatever the version of HTTP; one that sends its next request ahead and is
    lost in the middle of an answer leaves nothing."""

    async def __call__(self, receive: Any, send: Any) -> None:
        self._asgi_send = send
        hold_back(send)
        try:
            await super().__call__(receive, while_there(send))
        finally:
            await stop_reading(send)

    def _create_request_from_scope(self, send: Any) -> Request:
        request = super()._create_request_from_scope(send)
        if isinstance(request, SentRequest):
            request.asgi_send = self._asgi_send
        return request

    async def handle_request(self, request: Request, send: Any) -> None:
        """Answer; when that is cancelled, the peer is lost or has not taken for too long what was sent."""
        try:
            await super().handle_request(request, send)
        except asyncio.CancelledError:
            await drop(self._asgi_send)
            raise
