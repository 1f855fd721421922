"""The address at which a visitor has this server, as pages and documents show it.

A proxy that ends TLS says so in ``X-Forwarded-Proto``. Nothing is decided by that header: whoever forges it is shown a
wrong address, or keeps a cookie for https alone, and nobody else is.
"""

from quart import request


def over_tls() -> bool:
    """Return whether the visitor came over https, to this server or to the proxy before it."""
    return request.is_secure or request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"


def origin() -> str:
    """Return the server's address without a path, such as `https://example.org:8443`."""
    return f"{'https' if over_tls() else 'http'}://{request.host}"
