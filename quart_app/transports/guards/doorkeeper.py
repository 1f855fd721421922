"""The keeper of the doors: by which one a request comes in, and whether what it asks for is behind it.

A page of any site can have its own name resolve to 127.0.0.1 and then read everything as if it were ours (DNS
rebinding); only the Host header gives it away. Therefore an open door answers under names of this machine only, and
the configured one. A door of the secure mode answers under the names that it was given, if it was given any: the page
has no token and gets nothing in any case.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Coroutine
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

from quart_app.doors import Door, Doors, enter, is_loopback
from quart_app.realtime import Refused
from quart_app.realtime.limits import BODY_TIMEOUT
from quart_app.security_log import Act, SecurityLog, Whence
from quart_app.transports.guards.body import Application, Receive, Send

MISDIRECTED: Final = 421  # RFC 9110 section 15.5.20
NOT_FOUND: Final = 404
SEE_OTHER: Final = 303
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?")  # RFC 9110 section 7.2
_SHOWN: Final = 200  # characters
_LONGEST: Final = 262  # bytes of a name and a port (RFC 1035 section 2.3.4)
_REMEMBERED: Final = 256  # hosts of which it is known whether they are ours


class _Refusal(NamedTuple):
    """Why a request is turned away: for programs a code, and a text in both languages."""

    status: int
    code: str
    english: str
    spanish: str


class Doorkeeper:
    """ASGI middleware that notes in the scope of a request or WebSocket by which of `doors` it came in.

    It answers 421 where the door has another name, whatever the path, and 404 where the path is not behind the door;
    only a browser at ``/`` is led to the first of the paths that are. A client that names no host is let through: it is
    no browser.
    """

    def __init__(self, application: Application, doors: Doors, security: SecurityLog) -> None:
        self._application = application
        self._doors = doors
        self._known: dict[tuple[str, bytes], bool] = {}
        self._security = security
        doors.on_close.append(lambda _: self._known.clear())  # another door may have the same name

    def __call__(self, scope: Any, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        if scope["type"] in {"http", "websocket"}:
            door = self._doors.at(scope.get("server"))
            if door is None:
                return _refuse(scope, receive, send, _NO_DOOR)
            enter(scope, door)
            for name, value in scope["headers"]:
                if name.lower() == b"host" and not self._answers(door, value):
                    refusal = _misdirected(scope, door, value.decode("latin-1")[:_SHOWN])
                    self._note(scope, refusal)
                    return _refuse(scope, receive, send, refusal)
            if door.paths and not door.shows(scope["path"]):
                if scope["path"] == "/" and scope.get("method") == "GET" and _is_for_people(scope):
                    return _lead_to(door.paths[0], send)
                return _refuse(scope, receive, send, _NOTHING_THERE)
        return self._application(scope, receive, send)

    def _answers(self, door: Door, host: bytes) -> bool:
        asked = door.name, host
        answers = self._known.get(asked)
        if answers is None and len(host) > _LONGEST:
            return _answers_to(door, host)
        if answers is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            answers = self._known[asked] = _answers_to(door, host)
        return answers

    def _note(self, scope: Any, refusal: _Refusal) -> None:
        refused = Refused(refusal.code, refusal.english, status=refusal.status)
        what = f"{scope.get('method', 'WebSocket')} {scope['path']}"
        self._security.refused(refused, Whence.of(scope), lambda: None, Act(what))


def _answers_to(door: Door, value: bytes) -> bool:
    match = _HOST.fullmatch(value.decode("latin-1").strip().lower())
    name = match[1].strip("[]").removesuffix(".") if match else ""
    if not value or name == door.host.lower():
        return True
    if door.hosts:
        return name in door.hosts
    ours = name.endswith(".localhost") or is_loopback(name)
    if door.secure:
        return door.public_url is None or ours or name == urlsplit(door.public_url).hostname
    return ours


async def _lead_to(path: str, send: Send) -> None:
    """Answer a GET by sending the browser to `path`."""
    headers = [(b"location", quote(path).encode()), (b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": SEE_OTHER, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _refuse(scope: Any, receive: Receive, send: Send, refusal: _Refusal) -> None:
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
    kind, body = _explained(scope, refusal)
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    headers.append((b"x-content-type-options", b"nosniff"))
    await send({"type": f"{prefix}http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": body, "more_body": False})


_NO_DOOR: Final = _Refusal(
    MISDIRECTED,
    code="misdirected_request",
    english="this server has no door at this address",
    spanish="Este servidor no tiene ninguna puerta en esta dirección.",
)
_NOTHING_THERE: Final = _Refusal(
    NOT_FOUND,
    code="not_found",
    english="there is nothing at this address",
    spanish="No hay nada en esta dirección.",
)


def _misdirected(scope: Any, door: Door, host: str) -> _Refusal:
    if door.secure:
        names = ", ".join(door.hosts) or door.public_url
        return _Refusal(
            MISDIRECTED,
            code="misdirected_request",
            english=f"here this server answers under {names}, and {host!r} is another name; ENVIVO_PUBLIC_URL, or "
            "hosts= of ENVIVO_DOOR, says which names there are",
            spanish=f"Aquí este servidor responde a {names}, y {host!r} es otro nombre; ENVIVO_PUBLIC_URL, o hosts= de "
            "ENVIVO_DOOR, dice qué nombres hay.",
        )
    scheme = scope["scheme"].replace("ws", "http")
    port = (scope.get("server") or ("", None))[1]
    address = f"{scheme}://localhost{f':{port}' if port else ''}"
    return _Refusal(
        MISDIRECTED,
        code="misdirected_request",
        english=f"in open mode this server answers under names of this machine only, and {host!r} is none: use "
        f"{address}, or set ENVIVO_ACCESS=secure to serve other names",
        spanish=f"En modo abierto este servidor solo responde a nombres de esta máquina, y {host!r} no lo es: abre "
        f"{address}, o pon ENVIVO_ACCESS=secure para servir con otros nombres.",
    )


def _is_for_people(scope: Any) -> bool:
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


def _explained(scope: Any, refusal: _Refusal) -> tuple[bytes, bytes]:
    """Return the content type and the body: text for people, in both languages, the error of REST for programs."""
    if not _is_for_people(scope):
        error = {"code": refusal.code, "message": refusal.english}
        return b"application/json", json.dumps({"success": False, "error": error}).encode()
    english = f"{refusal.english[0].upper()}{refusal.english[1:]}."
    return b"text/plain; charset=utf-8", f"{refusal.spanish}\n\n{english}\n".encode()
