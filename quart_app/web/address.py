"""The address at which a visitor has this server, as pages and documents show it.

The operator says it for a door (ENVIVO_PUBLIC_URL). Where nobody has, a proxy that ends TLS says in
``X-Forwarded-Proto`` that it does. Nothing is decided by that header: whoever forges it is shown a wrong address, or
keeps a cookie for https alone, and nobody else is.
"""

from quart import request

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
