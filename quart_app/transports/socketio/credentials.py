"""The credentials of a Socket.IO client: its handshake and its `auth`, in the form that `identity` reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl

from werkzeug.datastructures import Headers
from werkzeug.http import parse_cookie

from quart_app.realtime import Refused
from quart_app.realtime.limits import AGENT_CHARACTERS

_AUTH = "an object such as {token, user_id, username, since}, with texts in it"
_KNOWN = ("token", "user_id", "username", "since")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client says of itself, as a source for `identity.identify`.

    `cursors` tells whether the client has spoken of `since`, even if to have none.
    """

    scope: Mapping[str, Any]
    args: Mapping[str, str]
    headers: Headers
    cookies: Mapping[str, str]
    cursors: bool

    @property
    def agent(self) -> str:
        """The name that the client's program gives itself."""
        return self.headers.get("User-Agent", "")[:AGENT_CHARACTERS]

    @classmethod
    def read(cls, scope: Mapping[str, Any], auth: object) -> Self:
        """Return what the handshake's ASGI scope and the CONNECT packet's `auth`, which wins, say. Raise Refused."""
        if not isinstance(auth, dict | None):
            raise Refused("bad_request", f"auth: {_AUTH}", fields={"auth": _AUTH})
        query = dict(reversed(parse_qsl(scope["query_string"].decode("latin-1"))))
        told = {name: _text(name, auth[name]) for name in _KNOWN if auth and auth.get(name) is not None}
        headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
        return cls(
            scope=scope,
            args={**query, **told},
            headers=headers,
            cookies=parse_cookie(headers.get("Cookie")),
            cursors="since" in query or "since" in (auth or {}),
        )


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Refused("bad_request", f"auth.{name}: a text", fields={name: "a text"})
