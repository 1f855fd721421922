"""Coming in with a token, in secure mode: from a form, or from a link that carries it.

This file owns the cookie that keeps the token for this browser, and takes the token out of the address, where it would
be copied, shared and logged. A link alone signs nobody in: whoever made it may want others to act, unawares, in his
name (login CSRF), so the visitor is asked first. What a token says is known by `identity`.
"""

from typing import Annotated, NotRequired, TypedDict
from urllib.parse import urlencode

from msgspec import Meta
from quart import Blueprint, Quart, Response, render_template, request

from quart_app.config import Settings
from quart_app.identity import TOKEN_COOKIE, read_token
from quart_app.realtime import Identity, Refused
from quart_app.web.address import over_tls
from quart_app.web.context import settings
from quart_app.web.errors import wants_json
from quart_app.web.home import FORM, local_path
from quart_app.web.operations import Operation

sign_in = Blueprint("sign_in", __name__)


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
    if settings().access != "secure":
        raise Refused("open_mode", "nobody is asked for a token here: the server is in open mode", status=409)
    form = await request.form
    return _remembered(form.get("token", "").strip(), local_path(form.get("next", "/")))


async def _take_from_address() -> Response | None:
    token = request.args.get("token")
    is_page = request.method == "GET" and not wants_json() and not request.path.startswith("/static/")
    if token is None or not is_page:
        return None
    rest = urlencode([pair for pair in request.args.items(multi=True) if pair[0] != "token"])
    path = local_path(request.path) + (f"?{rest}" if rest else "")
    offered, present = read_token(settings(), token), _present()
    if present == offered:
        return _remembered(token, path)
    page = await render_template("web/enter.html", who=offered, present=present, token=token, next=path)
    return Response(page, mimetype="text/html", headers={"Cache-Control": "no-store"})


def _present() -> Identity | None:
    """Return who is signed in in this browser, None where nobody is."""
    try:
        return read_token(settings(), request.cookies.get(TOKEN_COOKIE))
    except Refused:
        return None


def _remembered(token: str, path: str) -> Response:
    read_token(settings(), token)
    response = Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
    # It ends with the browser's session; how long the token itself is good for, it says itself.
    response.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="Lax", secure=over_tls())
    return response


def register(app: Quart, settings: Settings) -> None:
    """Let visitors of `app` come in."""
    if settings.access == "secure":
        app.before_request(_take_from_address)
    app.register_blueprint(sign_in)
