"""What every page shares: texts, security headers, errors, assets, the home page and `/health`.

`register` hangs it all on the application; nothing here knows a domain.
"""

from typing import Final

from quart import Quart

from quart_app.config import Settings
from quart_app.web import assets, errors, i18n, origins, presentation, security, sign_in
from quart_app.web.contact import contact
from quart_app.web.context import this_door, visitor
from quart_app.web.guide import guide_pages
from quart_app.web.health import BACKPLANE, health
from quart_app.web.home import home
from quart_app.web.reference import reference

__all__ = ["BACKPLANE", "CURSOR", "register", "this_door", "visitor"]

CURSOR: Final = "X-Envivo-Cursor"
"""The header of an answer to what was stored: a cursor from which on one reads what is newer than that, on any node."""


def register(app: Quart, settings: Settings) -> None:
    """Add the shared web parts to `app`, which is an `App` of `quart_app.context`, for its `settings`."""
    i18n.register(app)
    presentation.register(app)
    assets.register(app)
    origins.register(app, settings)
    sign_in.register(app)
    security.register(app)
    errors.register(app)
    app.register_blueprint(home)
    app.register_blueprint(health)
    app.register_blueprint(contact)
    app.register_blueprint(reference)
    app.register_blueprint(guide_pages)
