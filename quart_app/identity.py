"""The identity of who is speaking, and the check of their site: tokens, cookies, plain names in open mode, origins.

This module owns both access modes. It knows nothing of topics: a channel decides what somebody may do there. It
raises `Refused`: ``unauthorized`` (401), ``bad_request`` (400), ``origin_not_allowed`` (403).
"""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from werkzeug.datastructures import Headers

from quart_app.config import Settings
from quart_app.realtime import ADMIN, Identity, Refused

USER_COOKIE: Final = "envivo_user"
TOKEN_COOKIE: Final = "envivo_token"
TOKEN_SUBPROTOCOL: Final = "bearer"
NAME_CHARACTERS: Final = 64
TOKEN_CHARACTERS: Final = 4096

_ALGORITHM = "HS256"  # RFC 7518 section 3.2
_CLOCK_SKEW = 30  # s that the clock of a token's issuer may be ahead of ours; the token does not last longer for it
_ALLOWED_HEADERS = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Last-Event-ID", "X-Connection-Id",
)  # fmt: skip
_FIT = f"at most {NAME_CHARACTERS} characters, without control characters"
_OPEN_ROLE = ADMIN  # everybody has this role in open mode, and may do everything


class Source(Protocol):
    """The part of a request or a WebSocket that tells of its sender; Quart's ``request`` and ``websocket`` both fit."""

    @property
    def args(self) -> Mapping[str, str]:
        """The query parameters."""

    @property
    def headers(self) -> Mapping[str, str] | Headers:
        """The headers, case-insensitive."""

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies."""


def identify(settings: Settings, source: Source) -> Identity:
    """Return who sent `source`.

    In secure mode the token tells: that of ``Authorization: Bearer``, else of the subprotocol pair
    ``bearer, <token>``, else of the query parameter ``token``, else of the cookie ``envivo_token``. In open mode
    ``user_id`` and ``username`` of the query tell, else the cookie ``envivo_user``; else the sender is a new guest.
    Raise `Refused` where neither mode lets the sender in.
    """
    if settings.access == "secure":
        return read_token(settings, _token(source))
    return _open_identity(source)


def issue_token(settings: Settings, identity: Identity, lifetime: timedelta) -> str:
    """Return a JSON Web Token (RFC 7519) that speaks for `identity` for `lifetime` from now.

    Its claims are ``sub`` (user_id), ``name``, ``role``, ``iat`` and ``exp``. Raise ValueError without a secret key.
    """
    import jwt

    now = datetime.now(UTC)
    claims = {
        "sub": identity.user_id,
        "name": identity.username,
        "role": identity.role,
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(claims, _secret(settings), algorithm=_ALGORITHM)


def read_token(settings: Settings, token: str | None) -> Identity:
    """Return who `token` speaks for. Raise `Refused` (``unauthorized``) where it is missing, forged or expired."""
    import jwt

    if not token:
        raise _unauthorized("a token is needed here; ask for one, or make one with `envivo token`")
    if len(token) > TOKEN_CHARACTERS:
        raise _unauthorized("the token is too long to be one of ours")
    try:
        claims = jwt.decode(
            token,
            _secret(settings),
            algorithms=[_ALGORITHM],
            leeway=_CLOCK_SKEW,
            options={"require": ["sub", "exp"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise _expired() from error
    except jwt.InvalidTokenError as error:
        raise _unauthorized("the token is not valid here") from error
    user_id = str(claims["sub"])
    name, role = claims.get("name") or user_id, claims.get("role") or "user"
    if not (isinstance(name, str) and isinstance(role, str) and user_id):
        raise _unauthorized("the token does not say who it is for")
    if not all(_fit(text) for text in (user_id, name, role)):
        raise _unauthorized(f"the token's sub, name and role may have {_FIT} each")
    expires_at = int(claims["exp"])
    if expires_at <= time.time():  # PyJWT's leeway would count at both ends of the token's time
        raise _expired()
    return Identity(user_id, name, role, expires_at=expires_at)


def accepted_subprotocol(source: Source) -> str | None:
    """Return the subprotocol to accept a WebSocket with, because a browser that offered some and got none gives up."""
    return TOKEN_SUBPROTOCOL if _subprotocol_token(source) is not None else None


def check_origin(settings: Settings, source: Source) -> None:
    """Raise `Refused` where a browser speaks for a page of a foreign site (cross-site WebSocket hijacking).

    Our own host is always allowed, and so is a client that names no origin, because it is no browser.
    """
    origin = source.headers.get("Origin")
    if origin is None or _allowed(settings, origin) or _same_host(origin, source.headers.get("Host", "")):
        return
    raise Refused(
        "origin_not_allowed",
        f"pages of {origin[:200]} may not connect here; ENVIVO_ALLOWED_ORIGINS lists those that may",
        status=403,
    )


def cors_headers(settings: Settings, origin: str | None) -> dict[str, str]:
    """Return the headers (Fetch standard, CORS protocol) that let pages of a listed site read an answer; none for
    others."""
    if origin is None or not _allowed(settings, origin):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "Access-Control-Allow-Headers": ", ".join(_ALLOWED_HEADERS),
        "Access-Control-Expose-Headers": "ETag, Retry-After",
        "Access-Control-Max-Age": "600",
    }


def _token(source: Source) -> str | None:
    scheme, _, bearer = source.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":  # RFC 6750 section 2.1
        return bearer.strip()
    return _subprotocol_token(source) or source.args.get("token") or source.cookies.get(TOKEN_COOKIE)


def _subprotocol_token(source: Source) -> str | None:
    offered = [part.strip() for part in source.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if len(offered) >= 2 and offered[0] == TOKEN_SUBPROTOCOL:
        return offered[1]
    return None


def _open_identity(source: Source) -> Identity:
    args, cookie = source.args, source.cookies.get(USER_COOKIE, "")
    if not (args or cookie):
        return _guest()
    user_id, username = args.get("user_id", ""), args.get("username", "")
    if not (user_id.strip() or username.strip()):
        user_id, username = _read_user_cookie(cookie)
    user_id, username = _clean("user_id", user_id), _clean("username", username)
    if not (user_id or username):
        return _guest()
    return Identity(user_id or username, username or user_id, _OPEN_ROLE)


def _guest() -> Identity:
    """Return somebody who keeps this name for the connection; the random part at its end keeps two guests apart."""
    guest = f"guest-{secrets.token_hex(4)}"
    return Identity(guest, guest, _OPEN_ROLE, nameless=True)


def _read_user_cookie(cookie: str) -> tuple[str, str]:
    """Return (user_id, username) of a cookie: ``user_id=1&username=Ana``, percent-encoded as a whole or not, or a
    bare name."""
    text = unquote(cookie)
    if "=" not in text:
        return "", text
    form = parse_qs(text)
    return form.get("user_id", [""])[0], form.get("username", [""])[0]


def _clean(name: str, text: str) -> str:
    text = text.strip()
    if not _fit(text):
        raise Refused("bad_request", f"{name} may have {_FIT}", fields={name: _FIT})
    return text


def _fit(text: str) -> bool:
    """Return whether `text` is short enough and printable, which half a surrogate pair (JSON can spell one) is not."""
    return len(text) <= NAME_CHARACTERS and text.isprintable()


def _secret(settings: Settings) -> str:
    if settings.secret_key is None:
        raise ValueError("tokens need ENVIVO_SECRET_KEY")
    return settings.secret_key


def _unauthorized(message: str) -> Refused:
    return Refused("unauthorized", message, status=401)


def _expired() -> Refused:
    return _unauthorized("the token has expired; ask for a new one")


def _allowed(settings: Settings, origin: str) -> bool:
    return origin.lower() in settings.allowed_origins


def _same_host(origin: str, host: str) -> bool:
    # The scheme is not compared: behind a proxy that ends TLS ours is http and the browser's is https.
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    default = {"http": ":80", "https": ":443"}.get(parts.scheme)
    if default is None or not parts.netloc:
        return False
    return parts.netloc.removesuffix(default) == host.lower().removesuffix(default)
