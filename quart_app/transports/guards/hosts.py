"""The host names under which the server answers in open mode: those of this machine, and the configured one.

A page of any site can have its own name resolve to 127.0.0.1 and then read everything as if it were ours (DNS
rebinding); only the Host header gives it away. In secure mode the page has no token and gets nothing.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, Final

from quart_app.config import Settings, is_loopback
from quart_app.realtime.limits import BODY_TIMEOUT
from quart_app.transports.guards.body import Application, Receive, Send

MISDIRECTED: Final = 421  # RFC 9110 section 15.5.20
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?")  # RFC 9110 section 7.2
_SHOWN: Final = 200  # characters


class HostGuard:
    """ASGI middleware that answers a request or WebSocket for another host with 421, whatever its path.

    A client that names no host is let through: it is no browser.
    """

    def __init__(self, application: Application, settings: Settings) -> None:
        self._application = application
        self._configured = settings.host.lower()

    def __call__(self, scope: Any, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        if scope["type"] in {"http", "websocket"}:
            for name, value in scope["headers"]:
                if name.lower() == b"host" and not _ours(value, self._configured):
                    return _refuse(scope, receive, send, value.decode("latin-1"))
        return self._application(scope, receive, send)


@lru_cache(maxsize=128)
def _ours(value: bytes, configured: str) -> bool:
    host = value.decode("latin-1")
    match = _HOST.fullmatch(host.strip().lower())
    name = match[1].strip("[]").removesuffix(".") if match else ""
    return not host or name == configured or name.endswith(".localhost") or is_loopback(name)


async def _refuse(scope: Any, receive: Receive, send: Send, host: str) -> None:
    prefix = ""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BODY_TIMEOUT):
            # Take the handshake or the body: an unread body would end the connection, and our answer with it.
            while (await receive()).get("more_body", False):
                pass
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": "this server has another name"})
            return
        prefix = "websocket."
    kind, body = _explanation(scope, host[:_SHOWN])
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    headers.append((b"x-content-type-options", b"nosniff"))
    await send({"type": f"{prefix}http.response.start", "status": MISDIRECTED, "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": body, "more_body": False})


def _explanation(scope: Any, host: str) -> tuple[bytes, bytes]:
    """Return the content type and the body: text for people, in both languages, the error of REST for programs."""
    scheme = scope["scheme"].replace("ws", "http")
    port = (scope.get("server") or ("", None))[1]
    address = f"{scheme}://localhost{f':{port}' if port else ''}"
    message = (
        f"in open mode this server answers under names of this machine only, and {host!r} is none: use {address}, "
        "or set ENVIVO_ACCESS=secure to serve other names"
    )
    if b"text/html" not in dict(scope["headers"]).get(b"accept", b""):
        error = {"code": "misdirected_request", "message": message}
        return b"application/json", json.dumps({"success": False, "error": error}).encode()
    spanish = (
        f"En modo abierto este servidor solo responde a nombres de esta máquina, y {host!r} no lo es: abre {address}, "
        "o pon ENVIVO_ACCESS=secure para servir con otros nombres."
    )
    return b"text/plain; charset=utf-8", f"{spanish}\n\n{message[0].upper()}{message[1:]}.\n".encode()
