"""How a view reaches what is around its request: the application, its settings, and who asks."""

from collections.abc import Mapping
from typing import Any, Final

from quart import request
from quart.wrappers import Request

from quart_app.config import Settings
from quart_app.context import app
from quart_app.doors import Door, door_of
from quart_app.realtime import Identity, Refused
from quart_app.realtime.limits import FORM_BYTES
from quart_app.security_log import Act, Event, Whence

__all__ = ["app", "form", "note", "settings", "speaker", "this_door", "this_request", "visitor"]

_WHO: Final = "envivo.who"
"""Where the scope of a request has who sent it, so that a token is read once, whoever asks: view, menu or header."""


def settings() -> Settings:
    """Return the settings of the application that answers this request."""
    return app().settings


def this_request() -> Request:
    """Return the request that is being answered, without the proxy in front of it."""
    proxy: Any = request
    return proxy._get_current_object()  # type: ignore[no-any-return]  # werkzeug's documented way past the proxy


def this_door() -> Door:
    """Return the door by which this request came in."""
    return door_of(this_request().scope)


async def form() -> Mapping[str, str]:
    """Return the form that was sent. Raise Refused where it is too large for one of ours."""
    asked = this_request()
    if len(await asked.get_data(as_text=False)) > FORM_BYTES:
        raise Refused("too_big", f"a form has at most {FORM_BYTES} bytes", status=413)
    return await asked.form


def speaker() -> Identity:
    """Return who sent this request, and count it.

    Raise Refused for a missing or wrong token, for an unfit name, and for one request too many.
    """
    scope: Any = this_request().scope
    identity: Identity | None = scope.get(_WHO)
    if identity is None:
        scope[_WHO] = None  # for `visitor`, where nobody is let in
        scope[_WHO] = identity = app().identification.identify(this_request())
    if identity.payer:
        app().hub.count_request(identity)
    return identity


def visitor() -> Identity | None:
    """Return who sent this request, None where they do not say it well enough to be let in."""
    scope: Any = this_request().scope
    if _WHO not in scope:
        scope[_WHO] = app().identification.known(this_request())
    who: Identity | None = scope[_WHO]
    return who


def note(event: Event, who: Identity, act: Act) -> None:
    """Tell the security log what `who`, the sender of this request, has done."""
    app().security.note(event, who, Whence.of(this_request().scope), act)
