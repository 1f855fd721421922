"""The reference: `/openapi.json`, `/asyncapi.json`, and the pages `/docs` and `/connect` that make something of them.

Everything in it is made of what the handlers and the domains say of themselves, and works without a network.
"""

from quart_app.web.reference.views import reference

__all__ = ["reference"]
