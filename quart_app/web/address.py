"""The address at which a visitor has this server, as pages and documents show it.

The operator says it for a door (ENVIVO_PUBLIC_URL). Where nobody has, a proxy that ends TLS says in
``X-Forwarded-Proto`` that it does. Nothing is decided by that header: whoever forges it is shown a wrong address, or
keeps a cookie for https alone, and nobody else is.
"""

from urllib.parse import urlencode, urlsplit

from quart import request
from werkzeug.urls import iri_to_uri

from quart_app.doors import is_loopback
from quart_app.web.context import this_door


def over_tls() -> bool:
    """Return whether the visitor came over https, to this server or to the proxy before it."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").strip().lower()
    return request.is_secure or this_door().over_tls or forwarded == "https"


def host() -> str:
    """Return the name of the server and its port, as visitors of this door have them, such as `example.org:8443`."""
    public = this_door().public_url
    return request.host if public is None else public.partition("://")[2]


def origin() -> str:
    """Return the server's address without a path, such as `https://example.org:8443`."""
    return this_door().public_url or f"{'https' if over_tls() else 'http'}://{request.host}"


def is_trustworthy() -> bool:
    """Return whether browsers take the page's origin for potentially trustworthy (W3C Secure Contexts section 3.1): it
    came over TLS, or from the visitor's own machine."""
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return False
    return over_tls() or is_loopback(host) or host.endswith(".localhost")


def here() -> str:
    """Return the path of this request, percent-encoded, with its query except for a token."""
    rest = urlencode([pair for pair in request.args.items(multi=True) if pair[0] != "token"])
    return local_path(request.path) + (f"?{rest}" if rest else "")


def local_path(target: str) -> str:
    """Return `target`, percent-encoded, if it is a path of this site, else "/": a form must not send people elsewhere.

    Browsers take a backslash for a slash, and leave out line breaks and tabs (WHATWG URL 4.4).
    """
    local = target.isprintable() and target.startswith("/") and not target.startswith(("//", "/\\"))
    return iri_to_uri(target) if local else "/"
