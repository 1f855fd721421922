"""Pages of other sites: which may read our answers (CORS), and that no other may act through a visitor's browser.

Owns the answer to preflight requests and the check of `Origin` on everything that changes something. Which sites are
allowed is known by `identity`.
"""

from typing import Protocol, cast

from quart import Quart, Response, current_app, request

from quart_app.config import Settings
from quart_app.identity import check_origin, cors_headers

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 section 9.2.1


class _Configured(Protocol):
    settings: Settings


def _settings() -> Settings:
    return cast("_Configured", current_app).settings


async def _check() -> Response | None:
    if request.method not in _SAFE:
        check_origin(_settings(), request)
    elif request.method == "OPTIONS" and cors_headers(_settings(), request.headers.get("Origin")):
        return Response(status=204)
    return None


async def _share(response: Response) -> Response:
    headers = cors_headers(_settings(), request.headers.get("Origin"))
    if headers:
        response.headers.update(headers)
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if _settings().allowed_origins:
        response.vary.add("Origin")
    return response


def register(app: Quart) -> None:
    """Guard every request of `app`, and open its answers to the sites in ENVIVO_ALLOWED_ORIGINS."""
    app.before_request(_check)
    app.after_request(_share)
