"""The rules for pages of other sites: which of them may read our answers (CORS); no others may act through a browser.

This file owns the answer to preflight requests and the check of `Origin` on everything that changes something. Which
sites are allowed is known by `identity`.
"""

from quart import Quart, Response

from quart_app.identity import check_origin, cors_headers
from quart_app.web.context import settings, this_request

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 section 9.2.1


async def _check() -> Response | None:
    asked = this_request()
    if asked.method not in _SAFE:
        check_origin(settings(), asked)
    elif asked.method == "OPTIONS" and cors_headers(settings(), asked.headers.get("Origin")):
        return Response(status=204)
    return None


async def _share(response: Response) -> Response:
    headers = cors_headers(settings(), this_request().headers.get("Origin"))
    if headers:
        response.headers.update(headers)
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if settings().allowed_origins:
        response.vary.add("Origin")
    return response


def register(app: Quart) -> None:
    """Guard every request of `app`, and open its answers to the sites in ENVIVO_ALLOWED_ORIGINS."""
    app.before_request(_check)
    app.after_request(_share)
