"""Coming in with a token, in secure mode: from a form, or from a link that carries it.

This file owns the cookie that keeps the token for this browser, and takes the token out of the address, where it would
be copied, shared and logged. A link alone signs nobody in: whoever made it may want others to act, unawares, in his
name (login CSRF), so the visitor is asked first. What a token says is known by `identity`.
"""

from typing import Annotated, Any, Final, NotRequired, TypedDict
from urllib.parse import urlencode

from msgspec import Meta
from quart import Blueprint, Quart, Response, render_template, request

from quart_app.config import Settings
from quart_app.identity import issue_session, token_cookie
from quart_app.realtime import Identity, Refused
from quart_app.web.address import over_tls
from quart_app.web.context import app, speaker, this_door
from quart_app.web.errors import wants_json
from quart_app.web.home import FORM, local_path
from quart_app.web.operations import Operation

sign_in = Blueprint("sign_in", __name__)

PROVIDER_PATH: Final = "/session/oidc"
"""Where a visitor begins to sign in with the provider of a door that has one; `providers` serves it."""


class TokenForm(TypedDict):
    """The form that asks a visitor for a token."""

    token: Annotated[str, Meta(description="Of `envivo token`.")]
    next: NotRequired[Annotated[str, Meta(description="A path of this site.", examples=["/chat"])]]


@sign_in.post("/session")
@Operation(tag="pages", body=TokenForm, body_type=FORM, answer=None, status=303, answer_type="", refusals=(409,))
async def enter() -> Response:
    """Keep the form's ``token`` and go back to ``next``, a path of this site.

    Raise `Refused` for a bad token, for a form of another site, and in open mode, where nobody is asked for one.
    """
    if not this_door().secure:
        raise Refused("open_mode", "nobody is asked for a token here: the server is in open mode", status=409)
    form = await request.form
    return _by_token(form.get("token", "").strip(), local_path(form.get("next", "/")))


@sign_in.get("/sign-in")
async def session() -> str | tuple[str, int]:
    """Show who is signed in, until when and for what, and a form for another token."""
    if not this_door().secure:
        return await render_template("web/sign_in.html", who=speaker(), next="/")
    return await render_template("web/sign_in.html", who=_present(), next=local_path(request.args.get("next", "/")))


async def _take_from_address() -> Response | None:
    token = request.args.get("token")
    is_page = request.method == "GET" and not wants_json() and not request.path.startswith("/static/")
    if token is None or not is_page or not this_door().secure:
        return None
    rest = urlencode([pair for pair in request.args.items(multi=True) if pair[0] != "token"])
    path = local_path(request.path) + (f"?{rest}" if rest else "")
    offered, present = app().identification.read(this_door(), token), _present()
    if present == offered:
        return _by_token(token, path)
    page = await render_template("web/enter.html", who=offered, present=present, token=token, next=path)
    return Response(page, mimetype="text/html", headers={"Cache-Control": "no-store"})


def _present() -> Identity | None:
    """Return who is signed in in this browser, None where nobody is."""
    try:
        return app().identification.read(this_door(), request.cookies.get(token_cookie(this_door())))
    except Refused:
        return None


def _by_token(token: str, path: str) -> Response:
    return signed_in(app().identification.read(this_door(), token), path)


def signed_in(identity: Identity, path: str) -> Response:
    """Return the answer by which this browser is `identity` from now on, and goes on to `path`."""
    door = this_door()
    session = issue_session(door, identity)
    response = Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
    # It ends with the browser's session; how long the token in it is good for, it says itself.
    response.set_cookie(token_cookie(door), session, httponly=True, samesite="Lax", secure=over_tls())
    return response


def _visitor() -> dict[str, Any]:
    """Return for the templates who is signed in at a secure door, and with which provider one may sign in there."""
    door = this_door()
    return {
        "visitor": _present() if door.secure else None,
        "secure_door": door.secure,
        "provider": door.provider.host if door.secure and door.provider else None,
        "provider_path": PROVIDER_PATH,
    }


def register(described: Quart, settings: Settings) -> None:
    """Let visitors of the application `described` come in."""
    if any(door.secure for door in settings.doors):
        described.before_request(_take_from_address)
    described.context_processor(_visitor)
    described.register_blueprint(sign_in)
