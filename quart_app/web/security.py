"""The security headers of every answer.

This file owns the Content-Security-Policy: scripts, styles, images and connections from our own origin only, nothing
inline, no `eval`. An answer that has set its own policy keeps it. It must not know any page.
"""

from quart import Quart, Response

from quart_app.web.address import is_trustworthy
from quart_app.web.assets import IMPORT_MAP_HASH
from quart_app.web.compression import compress
from quart_app.web.context import this_door

_POLICY = {
    "default-src": "'none'",
    "script-src": f"'self' '{IMPORT_MAP_HASH}'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{directive} {sources}" for directive, sources in _POLICY.items())

# Only with a public address of https: a class runs this on https://localhost with a certificate of its own, and HSTS
# would make every other program on that host unreachable over http.
_HSTS = ("Strict-Transport-Security", "max-age=31536000")
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


_OPENER_POLICY = "Cross-Origin-Opener-Policy"
_NAMES = frozenset(name.lower() for name in HEADERS)


async def _secure(response: Response) -> Response:
    headers = response.headers
    given = _NAMES.intersection([name.lower() for name, _ in headers])
    # Added as they are: Headers would look at each again, for every answer.
    headers._list += [one for one in HEADERS.items() if one[0].lower() not in given] if given else HEADERS.items()
    if this_door().over_tls:
        headers._list.append(_HSTS)
    if headers.get("Content-Type", "").startswith("text/html"):
        # The page speaks the visitor's language and may name the visitor.
        response.vary.update(("Accept-Language", "Cookie"))
        # What a page shows may be for its visitor's eyes alone: a shared computer is not to keep it for the next one.
        headers.setdefault("Cache-Control", "no-store" if this_door().secure else "private, no-cache")
        if is_trustworthy():  # elsewhere browsers ignore the policy, and complain of it in the console
            headers.setdefault(_OPENER_POLICY, "same-origin")
        await compress(response)
    return response


def register(app: Quart) -> None:
    """Put the headers on every answer of `app`, errors included."""
    app.after_request(_secure)
