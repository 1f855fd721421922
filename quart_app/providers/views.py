"""Where people begin to sign in with a provider, and where it sends them back to."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from quart import Blueprint, Response, abort, render_template, request

from quart_app.doors import Door
from quart_app.identity import identity_of
from quart_app.issuers import Provider
from quart_app.providers.attempt import attempt_cookie, new_attempt, seal, unseal
from quart_app.providers.oidc import NotConfirmed, SignIn
from quart_app.providers.outside import ProviderAway
from quart_app.realtime import Allowance, Refused
from quart_app.realtime.limits import (
    KEYS_PAUSE,
    SECURITY_ALIKE,
    SECURITY_WINDOW,
    SESSION_TIME,
    SIGN_IN_TIME,
    SIGNING_IN_PER_ADDRESS,
)
from quart_app.security_log import Act, Whence
from quart_app.web.address import local_path, origin, over_tls
from quart_app.web.context import app, this_door, this_request
from quart_app.web.sign_in import PROVIDER_PATH, signed_in

_BACK: Final = f"{PROVIDER_PATH}/back"

logger = logging.getLogger(__name__)


def routes(sign_ins: Mapping[Provider, SignIn]) -> Blueprint:
    """Return `GET /session/oidc` and `GET /session/oidc/back`, with what signs in at each provider."""
    views = _Views(sign_ins)
    blueprint = Blueprint("providers", __name__, template_folder="templates")
    blueprint.get(PROVIDER_PATH)(views.begin)
    blueprint.get(_BACK)(views.back)
    return blueprint


class _Views:
    def __init__(self, sign_ins: Mapping[Provider, SignIn]) -> None:
        self._sign_ins = sign_ins
        self._under_way: Counter[str] = Counter()
        self._words = Allowance(SECURITY_ALIKE / SECURITY_WINDOW, SECURITY_ALIKE, time.monotonic())

    async def begin(self) -> Response:
        """Send the visitor to the provider of this door, who comes back and goes on to the path ``next``."""
        door, attempt = this_door(), new_attempt(local_path(request.args.get("next", "/")))
        _, sign_in = self._of(door)
        try:
            address = await sign_in.address(attempt, _redirect(), anew="anew" in request.args)
        except ProviderAway as away:
            return await self._away(away, attempt.next)
        response = Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
        response.set_cookie(
            attempt_cookie(door),
            seal(door, attempt),
            max_age=int(SIGN_IN_TIME),
            httponly=True,
            samesite="Lax",  # the way back is a link of another site
            secure=over_tls(),
        )
        return response

    async def back(self) -> Response:
        """Let in whom the provider has sent back, if it confirms who they are, and the rules let them in."""
        response = await self._let_in()
        response.delete_cookie(attempt_cookie(this_door()), httponly=True, samesite="Lax", secure=over_tls())
        return response

    async def _let_in(self) -> Response:
        door = this_door()
        provider, sign_in = self._of(door)
        attempt = unseal(door, request.cookies.get(attempt_cookie(door), ""))
        if attempt is None or request.args.get("state") != attempt.state:
            return await _failed("lost", 400)
        try:
            with self._counted():
                claims = await sign_in.claims(attempt, request.args, _redirect())
        except ProviderAway as away:
            return await self._away(away, attempt.next)
        except NotConfirmed as why:
            self._tell("%s does not confirm who signs in: %s", provider.issuer, why)
            _note(Refused("not_confirmed", str(why), status=401))
            return await _failed("not_confirmed", 401, attempt.next)
        now = time.time()
        try:
            identity = replace(
                identity_of(claims, provider.rules),
                expires_at=int(now + min(SESSION_TIME, door.token_lifetime)),
                issued_at=now,
            )
            app().identification.limited(door, identity)
        except Refused as refused:
            account = _account(claims)
            _note(refused, account)
            return await _failed("not_let_in", 403, attempt.next, account=account)
        return signed_in(identity, attempt.next)

    def _of(self, door: Door) -> tuple[Provider, SignIn]:
        if not door.secure or door.provider is None or door.provider not in self._sign_ins:
            abort(404)
        return door.provider, self._sign_ins[door.provider]

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count the visitor whom the provider is asked about, inside the block. Raise `ProviderAway` where too many of
        the same address wait for its answers, which others wait for, too."""
        address = Whence.of(this_request().scope).address
        if self._under_way[address] >= SIGNING_IN_PER_ADDRESS:
            raise ProviderAway("too many people are signing in from one address")
        self._under_way[address] += 1
        try:
            yield
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]

    async def _away(self, away: ProviderAway, next: str) -> Response:
        self._tell("nobody can sign in: %s", away)
        response = await _failed("away", 503, next)
        response.headers["Retry-After"] = str(int(KEYS_PAUSE))
        return response

    def _tell(self, said: str, *of: object) -> None:
        """Tell the operator what is the matter, unless that is told all the time: everybody can cause it."""
        if not self._words.spend(time.monotonic()):
            logger.warning(said, *of)


def _redirect() -> str:
    return origin() + _BACK


def _account(claims: Mapping[str, Any]) -> str:
    """Return the name by which somebody knows their account at the provider."""
    return str(next((claims[name] for name in ("email", "preferred_username", "name") if claims.get(name)), "?"))


def _note(refused: Refused, account: str = "") -> None:
    """Tell the security log that somebody was not let in, and who they are at the provider, where that is known."""
    app().security.refused(refused, Whence.of(this_request().scope), lambda: None, Act("sign in", account))


async def _failed(why: str, status: int, next: str = "/", account: str = "") -> Response:
    """Return the page that says `why` somebody is not signed in, and what they can do."""
    page = await render_template("providers/failed.html", why=why, status=status, next=next, account=account)
    return Response(page, status=status, mimetype="text/html", headers={"Cache-Control": "no-store"})
