"""How a view reaches what is around its request: the application, its settings, and who asks."""

from quart import request

from quart_app.config import Settings
from quart_app.context import app
from quart_app.identity import identify
from quart_app.realtime import Identity

__all__ = ["app", "settings", "speaker"]


def settings() -> Settings:
    """Return the settings of the application that answers this request."""
    return app().settings


def speaker() -> Identity:
    """Return who sent this request. Raise Refused for a missing or wrong token, and for an unfit name."""
    return identify(settings(), request)
