"""One attempt of somebody to sign in at a provider, which their browser keeps for us in a cookie while they are there.

It is signed with the key of the door, for this purpose alone: no token is taken for an attempt, and no attempt for a
token.
"""

import secrets
import time
from typing import Final

import jwt
import msgspec

from quart_app.doors import Door
from quart_app.identity import header_of
from quart_app.realtime.limits import SIGN_IN_TIME

_ALGORITHM: Final = "HS256"
_TYPE: Final = "envivo-sign-in+jwt"
_NEXT_CHARACTERS: Final = 1_000


class Attempt(msgspec.Struct, frozen=True):
    """What an answer of the provider has to fit, and where the visitor wants to go.

    `state` comes back in the address, `nonce` in the ID token; `verifier` proves that it was us who began (RFC 7636).
    """

    state: str
    nonce: str
    verifier: str
    next: str


def new_attempt(next: str) -> Attempt:
    """Return an attempt that nobody can guess, of a visitor who wants to go to the path `next`."""
    return Attempt(
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(48),
        next if len(next) <= _NEXT_CHARACTERS else "/",
    )


def attempt_cookie(door: Door) -> str:
    """Return the name of the cookie that keeps an attempt. Where the door is one of https, browsers take it from nobody
    else (RFC 6265bis section 4.1.3.2)."""
    return "__Host-envivo_sign_in" if door.over_tls else "envivo_sign_in"


def seal(door: Door, attempt: Attempt) -> str:
    """Return the cookie of `attempt`, which is good for SIGN_IN_TIME at `door`."""
    assert door.key is not None  # noqa: S101 - a door with a provider is a secure one
    claims = {**msgspec.structs.asdict(attempt), "exp": int(time.time() + SIGN_IN_TIME)}
    return jwt.encode(claims, door.key, algorithm=_ALGORITHM, headers={"typ": _TYPE})


def unseal(door: Door, cookie: str) -> Attempt | None:
    """Return the attempt of a cookie, None where there is none, or it has expired, or is not ours."""
    if door.key is None or header_of(cookie).get("typ") != _TYPE:
        return None
    try:
        claims = jwt.decode(cookie, door.key, algorithms=[_ALGORITHM], options={"require": ["exp"]})
        return msgspec.convert(claims, Attempt)
    except (jwt.InvalidTokenError, ValueError):
        return None
