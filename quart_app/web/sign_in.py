"""Coming in with a token, in secure mode: from a form, or from a link that carries it.

This file owns the cookie that keeps the token for this browser, and takes the token out of the address at once, where
it would be copied, shared and kept in the history. A link alone signs nobody in: whoever made it may want others to
act, unawares, in his name (login CSRF), so the visitor is asked first, at `/enter`; meanwhile a cookie keeps the token,
for that page alone and for minutes. What a token says is known by `identity`.
"""

import hashlib
from typing import Annotated, Any, Final, NotRequired, TypedDict
from urllib.parse import urlencode

from msgspec import Meta
from quart import Blueprint, Quart, Response, render_template, request

from quart_app.identity import issue_session, token_cookie
from quart_app.realtime import Identity, Refused, timestamp
from quart_app.security_log import Act
from quart_app.web.address import here, local_path, over_tls
from quart_app.web.context import app, form, note, speaker, this_door, visitor
from quart_app.web.errors import wants_json
from quart_app.web.home import FORM
from quart_app.web.operations import Operation

ENTER: Final = "/enter"
OFFER_COOKIE: Final = "envivo_offer"
OFFER_SECONDS: Final = 300  # that a visitor has to say yes

sign_in = Blueprint("sign_in", __name__)

Next = Annotated[str, Meta(description="A path of this site.", examples=["/chat"])]
PROVIDER_PATH: Final = "/session/oidc"
"""Where a visitor begins to sign in with the provider of a door that has one; `providers` serves it."""


class TokenForm(TypedDict):
    """The form that asks a visitor for a token."""

    token: Annotated[str, Meta(description="Of `envivo token`.")]
    next: NotRequired[Next]


class OfferForm(TypedDict):
    """The form that asks a visitor whether to come in with the token of a link."""

    offer: Annotated[str, Meta(description="Which token it asked about; the token itself is in a cookie.")]
    next: NotRequired[Next]


@sign_in.post("/session")
@Operation(tag="pages", body=TokenForm, body_type=FORM, answer=None, status=303, answer_type="", refusals=(409,))
async def enter() -> Response:
    """Keep the form's ``token`` and go back to ``next``, a path of this site.

    Raise `Refused` for a bad token, for a form of another site, and in open mode, where nobody is asked for one.
    """
    _require_secure()
    sent = await form()
    return _by_token(sent.get("token", "").strip(), local_path(sent.get("next", "/")))


@sign_in.get("/sign-in")
async def session() -> str | tuple[str, int]:
    """Show who is signed in, until when and for what, and a form for another token."""
    if not this_door().secure:
        return await render_template("web/sign_in.html", who=speaker(), next="/")
    who, path = visitor(), local_path(request.args.get("next", "/"))
    until = timestamp(who.expires_at * 1000) if who and who.expires_at else None
    return await render_template("web/sign_in.html", who=who, until=until, next=path)


@sign_in.get(ENTER)
async def ask() -> Response:
    """Ask whether to come in with the token of a link; without one, go on to ``next`` of the query."""
    path, token = local_path(request.args.get("next", "/")), request.cookies.get(OFFER_COOKIE)
    offered = _who(token)
    if token is None or offered is None:
        return _led_to(path)
    page = await render_template("web/enter.html", who=offered, present=visitor(), offer=_mark(token), next=path)
    return Response(page, mimetype="text/html")


@sign_in.post(f"{ENTER}/yes")
@Operation(tag="pages", body=OfferForm, body_type=FORM, answer=None, status=303, answer_type="", refusals=(409,))
async def accept() -> Response:
    """Keep the token of the link that the form asked about, and go on to ``next``, a path of this site.

    Where another link was opened meanwhile, ask about that one. Raise `Refused` as ``/session`` does.
    """
    _require_secure()
    sent = await form()
    path, token = local_path(sent.get("next", "/")), request.cookies.get(OFFER_COOKIE, "")
    if sent.get("offer") != _mark(token):
        return _led_to(_question(path))
    response = _by_token(token, path)
    response.delete_cookie(OFFER_COOKIE, path=ENTER)
    return response


async def _take_from_address() -> Response | None:
    if not this_door().secure:
        return None
    is_page = request.method == "GET" and not wants_json() and not request.path.startswith("/static/")
    if not is_page or (token := request.args.get("token")) is None:
        return None
    offered, present = _who(token), _who(request.cookies.get(token_cookie(this_door())))
    if offered is None:
        return _led_to(here())  # a page that needs one will ask for another
    if offered == present:
        lasts_longer = (offered.expires_at or 0) > (present.expires_at or 0)
        return _by_token(token, here()) if lasts_longer else _led_to(here())
    response = _led_to(_question(here()))
    response.set_cookie(
        OFFER_COOKIE, token, max_age=OFFER_SECONDS, path=ENTER, httponly=True, samesite="Lax", secure=over_tls()
    )
    return response


def _require_secure() -> None:
    if not this_door().secure:
        raise Refused("open_mode", "nobody is asked for a token here: the server is in open mode", status=409)


def _who(token: str | None) -> Identity | None:
    """Return who `token` speaks for, None where it speaks for nobody here."""
    if not this_door().secure:
        return None
    try:
        return app().identification.read(this_door(), token)
    except Refused:
        return None


def _mark(token: str) -> str:
    """Return what tells a token from others, and does not let anybody in."""
    return hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _question(path: str) -> str:
    return f"{ENTER}?{urlencode({'next': path})}"


def _led_to(path: str) -> Response:
    return Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


def _by_token(token: str, path: str) -> Response:
    return signed_in(app().identification.read(this_door(), token), path)


def signed_in(identity: Identity, path: str) -> Response:
    """Return the answer by which this browser is `identity` from now on, and goes on to `path`. Raise `Refused` where
    they sign in too often, and where their token was made from too many others."""
    door = this_door()
    app().hub.count_sign_in(identity)
    session = issue_session(door, identity)
    note("sign_in", identity, Act(f"{request.method} {request.path}"))
    response = _led_to(path)
    # It ends with the browser's session; how long the token in it is good for, it says itself.
    response.set_cookie(token_cookie(door), session, httponly=True, samesite="Lax", secure=over_tls())
    return response


def _visitor() -> dict[str, Any]:
    """Return for the templates who is signed in at a secure door, and with which provider one may sign in there."""
    door = this_door()
    return {
        "visitor": visitor() if door.secure else None,
        "secure_door": door.secure,
        "provider": door.provider.host if door.secure and door.provider else None,
        "provider_path": PROVIDER_PATH,
    }


def register(described: Quart) -> None:
    """Let visitors of the application `described` come in."""
    described.before_request(_take_from_address)  # a secure door may be opened later, too
    described.context_processor(_visitor)
    described.register_blueprint(sign_in)
