"""The rules for pages of other sites: which of them may read our answers (CORS); no others may act through a browser.

This file owns the answer to preflight requests and the check of `Origin` on everything that changes something. Which
sites are allowed is known by `identity`.
"""

from quart import Quart, Response

from quart_app.config import Settings
from quart_app.doors import door_of
from quart_app.identity import check_origin, cors_headers
from quart_app.web.context import this_door, this_request

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 section 9.2.1


class _Sites:
    """The hooks that hold requests to the rules for sites."""

    async def check(self) -> Response | None:
        """Turn away what a page of a foreign site does. Raise Refused."""
        asked = this_request()
        if asked.method not in _SAFE:
            check_origin(door_of(asked.scope), asked)
        elif asked.method == "OPTIONS" and cors_headers(door_of(asked.scope), asked.headers.get("Origin")):
            return Response(status=204)
        return None

    async def share(self, response: Response) -> Response:
        """Let pages of a listed site read the answer."""
        headers = cors_headers(this_door(), this_request().headers.get("Origin"))
        if headers:
            response.headers.update(headers)
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.vary.add("Origin")
        return response


def register(app: Quart, settings: Settings) -> None:
    """Guard every request of `app`, and open its answers to the sites in ENVIVO_ALLOWED_ORIGINS."""
    sites = _Sites()
    app.before_request(sites.check)
    if settings.allowed_origins:
        app.after_request(sites.share)
