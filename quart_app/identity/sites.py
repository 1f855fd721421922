"""The check of the site for whose page a browser speaks: which pages may connect, and which may read our answers.

It raises `Refused`: ``origin_not_allowed`` (403).
"""

from typing import Final
from urllib.parse import urlsplit

from quart_app.doors import Door
from quart_app.identity.source import Source
from quart_app.realtime import Refused

_ALLOWED_HEADERS = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Last-Event-ID", "X-Connection-Id",
)  # fmt: skip
_FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})


def check_origin(door: Door, source: Source) -> None:
    """Raise `Refused` where a browser speaks for a page of a foreign site (cross-site WebSocket hijacking).

    Our own host is always allowed, and so is a client that names no origin, because it is no browser.
    """
    origin = source.headers.get("Origin")
    if origin is None or _allowed(door, origin) or _same_host(origin, source.headers.get("Host", "")):
        return
    raise _foreign(f"pages of {origin[:200]}")


def check_reader(door: Door, source: Source) -> None:
    """Raise `Refused` where a browser asks for a stream for a page of a foreign site, which would let its visitor join
    a room unasked and unseen.

    Such a page need not name its origin: for an image or a link a browser sends none. It says whose page that is in
    ``Sec-Fetch-Site`` (W3C Fetch Metadata section 2.3); a client that does not send that is no browser of today.
    """
    if source.headers.get("Origin") is None and source.headers.get("Sec-Fetch-Site") in _FOREIGN_SITES:
        raise _foreign("pages of other sites")
    check_origin(door, source)


def cors_headers(door: Door, origin: str | None) -> dict[str, str]:
    """Return the headers (Fetch standard, CORS protocol) that let pages of a listed site read an answer; none for
    others."""
    if origin is None or not _allowed(door, origin):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "Access-Control-Allow-Headers": ", ".join(_ALLOWED_HEADERS),
        "Access-Control-Expose-Headers": "ETag, Retry-After, X-Envivo-Cursor, X-Envivo-Silent-Nodes",
        "Access-Control-Max-Age": "600",
    }


def _foreign(pages: str) -> Refused:
    said = f"{pages} may not connect here; ENVIVO_ALLOWED_ORIGINS lists those that may"
    return Refused("origin_not_allowed", said, status=403)


def _allowed(door: Door, origin: str) -> bool:
    return origin.lower() in door.origins or (door.public_url is not None and origin.lower() == door.public_url)


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
