"""Tokens that an issuer has signed with a key that it publishes: access tokens (RFC 9068), and ID tokens.

The kind of a key fixes the algorithm of what it signs. No token of this kind is read with a key of a door, and no token
of a door with one of these keys. The module raises `Refused`: ``unauthorized`` (401), ``forbidden`` (403) where no rule
lets the bearer in, and ``keys_unavailable`` (503) where the key may be there in a moment.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from quart_app.doors import Door
from quart_app.identity.claims import identity_of
from quart_app.identity.tokens import CLOCK_SKEW, checked_expiry, expired, ids_of, issued_at, unauthorized
from quart_app.issuers import Issuer
from quart_app.realtime import Identity

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA"})
"""The algorithms of the keys that are published (RFC 7518 section 3.1, RFC 8037)."""

_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})  # RFC 9068 section 2.1
_CHARACTERS: Final = 16_384  # of a token: some issuers name all groups of somebody


class Keys(Protocol):
    """The keys that an issuer publishes."""

    def find(self, key_id: str | None, algorithm: str) -> Any:
        """Return the key of this id for one of the ALGORITHMS; without an id, the only one. Raise `Refused`:
        ``unauthorized``, and ``keys_unavailable`` where the key may be there in a moment."""


def header_of(token: str) -> Mapping[str, Any]:
    """Return the header that `token` has, whoever wrote it; an empty one where it is no JSON Web Token."""
    import jwt

    try:
        return jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError):
        return {}


def read_published(door: Door, token: str, keys: Mapping[Issuer, Keys]) -> Identity:
    """Return who a token of the issuer that `door` believes speaks for, with the `keys` of each issuer. Raise
    `Refused`."""
    issuer, header = door.issuer, header_of(token)
    if issuer is None or issuer not in keys:
        raise unauthorized("the token is not valid here")
    if len(token) > _CHARACTERS:
        raise unauthorized("the token is too long")
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise unauthorized("the token is for something else: its typ is not that of an access token")
    key = keys[issuer].find(header.get("kid"), header["alg"])
    claims = read_claims(token, key, header["alg"], issuer=issuer.name, audience=issuer.audience)
    identity = identity_of(claims, issuer.rules)
    return replace(
        identity,
        expires_at=checked_expiry(door, claims),
        issued_at=issued_at(claims),
        token_ids=ids_of(claims),
    )


def read_claims(token: str, key: Any, algorithm: str, *, issuer: str, audience: str) -> Mapping[str, Any]:
    """Return the claims of a token that was signed with `key`, by this issuer and for this audience. Raise `Refused`:
    ``unauthorized``."""
    import jwt

    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=audience,
            leeway=CLOCK_SKEW,
            options={"require": ["sub", "exp", "iss", "aud"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise expired() from error
    except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError) as error:
        raise unauthorized("the token is not valid here: its key, iss, aud or another claim is not right") from error
    return claims
