"""JSON Web Tokens (RFC 7519, with the practices of RFC 8725): issued and read with the keys of a door.

It raises `Refused`: ``unauthorized`` (401).
"""

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from quart_app.doors import Door
from quart_app.realtime import Identity, Refused, TopicRights
from quart_app.wire import is_topic_pattern

NAME_CHARACTERS: Final = 64
TOKEN_CHARACTERS: Final = 4096
TOPIC_PATTERNS: Final = 50  # in each list of a token's topics
TICKET_LIFETIME: Final = 60.0  # s
CLOCK_SKEW: Final = 30  # s that an issuer's clock may be ahead of ours; the token does not last longer for it
ISSUER: Final = "envivo"
"""The ``iss`` and ``aud`` of our own tokens."""
NAME_RULE: Final = f"at most {NAME_CHARACTERS} characters, without control characters"

_ALGORITHM: Final = "HS256"  # RFC 7518 section 3.2
_TYPE: Final = "envivo+jwt"
_TICKET_TYPE: Final = "envivo-ticket+jwt"
_TYPES: Final = (None, "JWT", _TYPE)
_IDS: Final = 4  # of a token and of those that it was made from
_EXACT: Final = 2**53  # whole numbers up to here are exact in every language (RFC 8259 section 6)
_TOPICS_RULE: Final = (
    f"an object with the lists `subscribe` and `publish` of at most {TOPIC_PATTERNS} topics each, "
    "such as rooms/1, log/class/* or *"
)


def issue_token(door: Door, identity: Identity, lifetime: timedelta) -> str:
    """Return a token that speaks for `identity` at `door` for `lifetime` from now.

    Its claims are ``sub`` (user_id), ``name``, ``role``, ``topics`` where they are limited, ``iat``, ``exp``, ``jti``,
    ``iss`` and ``aud``. Raise ValueError where the door has no key, and where it takes no token that lasts so long.
    """
    if lifetime.total_seconds() > door.token_lifetime:
        raise ValueError(f"a token lasts at most {door.token_lifetime} s (ENVIVO_TOKEN_LIFETIME)")
    now = time.time()
    return _signed(door, _TYPE, identity, now, now + lifetime.total_seconds())


def issue_ticket(door: Door, identity: Identity) -> str:
    """Return a token for `identity` that stands in an address and opens a connection, for TICKET_LIFETIME from now.

    What it opens lasts as long as `identity` itself may: until its claim ``until``. Raise `Refused` as `issue_session`
    does.
    """
    assert identity.expires_at is not None  # noqa: S101 - whoever has a token has one that ends
    now = time.time()
    ends = min(now + TICKET_LIFETIME, identity.expires_at)
    return _signed(door, _TICKET_TYPE, identity, now, ends, until=identity.expires_at)


def issue_session(door: Door, identity: Identity) -> str:
    """Return a token for the browser of `identity`, who has just signed in by a token: signing out revokes this one
    alone. Raise `Refused` where it would be made from so many others that it could not name them all, by any of which
    it is revoked."""
    assert identity.expires_at is not None  # noqa: S101 - whoever has a token has one that ends
    return _signed(door, _TYPE, identity, time.time(), identity.expires_at)


def _signed(door: Door, type: str, identity: Identity, now: float, expires: float, **more: object) -> str:
    import jwt

    if door.key is None:
        raise ValueError("tokens need ENVIVO_SECRET_KEY")
    claims: dict[str, object] = {
        "sub": identity.user_id,
        "name": identity.username,
        "role": identity.role,
        "iat": int(now),
        "iat_ms": int(now * 1000),
        "exp": int(expires),
        "jti": secrets.token_urlsafe(12),
        "iss": ISSUER,
        "aud": ISSUER,
        **more,
    }
    if len(identity.token_ids) >= _IDS:
        raise unauthorized("the token was made from one that was made from another, and so on; take the first one")
    if identity.token_ids:
        claims["from"] = list(identity.token_ids)
    if identity.rights:
        claims["topics"] = {
            "subscribe": list(identity.rights[0].subscribe),
            "publish": list(identity.rights[0].publish),
        }
    return jwt.encode(claims, door.key, algorithm=_ALGORITHM, headers={"typ": type, "kid": key_id(door.key)})


@lru_cache(maxsize=64)
def key_id(key: str) -> str:
    """Return the ``kid`` (RFC 7515 section 4.1.4) of a key, from which nobody finds the key."""
    return hashlib.sha256(b"kid:" + key.encode()).hexdigest()[:12]


def read_token(door: Door, token: str | None, *, ticket: bool = False) -> Identity:
    """Return who `token`, which is a `ticket` or not, speaks for at `door`.

    Raise `Refused` where it is missing, forged, expired, or for something else.
    """
    claims = _claims(door, token, ticket=ticket)
    user_id = str(claims["sub"])
    name, role = claims.get("name") or user_id, claims.get("role") or "user"
    if not (isinstance(name, str) and isinstance(role, str) and user_id):
        raise unauthorized("the token does not say who it is for")
    if not all(fits(text) for text in (user_id, name, role)):
        raise unauthorized(f"the token's sub, name and role may have {NAME_RULE} each")
    expires_at = checked_expiry(door, claims)
    return Identity(
        user_id,
        name,
        role,
        rights=_rights(claims),
        expires_at=int(claims["until"]) if ticket else expires_at,
        issued_at=issued_at(claims),
        token_ids=ids_of(claims),
        payer=user_id,
    )


def checked_expiry(door: Door, claims: Mapping[str, Any]) -> int:
    """Return when a token expires (s since the Unix epoch). Raise `Refused` where it has, or lasts too long."""
    expires_at, now = int(claims["exp"]), time.time()
    if expires_at <= now:  # PyJWT's leeway would count at both ends of the token's time
        raise expired()
    if expires_at - float(claims.get("iat", now)) > door.token_lifetime + CLOCK_SKEW:
        raise unauthorized(f"the token lasts longer than {door.token_lifetime} s (ENVIVO_TOKEN_LIFETIME)")
    return expires_at


def _claims(door: Door, token: str | None, *, ticket: bool) -> Mapping[str, Any]:
    import jwt

    if not token:
        raise unauthorized("a token is needed here; ask for one, or make one with `envivo token`")
    if len(token) > TOKEN_CHARACTERS:
        raise unauthorized("the token is too long to be one of ours")
    try:
        header = jwt.get_unverified_header(token)
        claims: Mapping[str, Any] = _decoded(token, _keys(door, header.get("kid")))
    except jwt.ExpiredSignatureError as error:
        raise expired() from error
    except (jwt.InvalidTokenError, ValueError) as error:
        raise unauthorized("the token is not valid here") from error
    audience = claims.get("aud", ISSUER)
    kinds = (_TICKET_TYPE,) if ticket else _TYPES
    if (
        header.get("typ") not in kinds
        or claims.get("iss", ISSUER) != ISSUER
        or ISSUER not in (audience if isinstance(audience, list) else [audience])
    ):
        raise unauthorized("the token is for something else: its typ, iss or aud are not ours")
    return claims


def _keys(door: Door, key_id_given: object) -> Sequence[str]:
    """Return the keys by which a token may be signed that names this key, or none."""
    if door.key is None:
        raise ValueError("tokens need ENVIVO_SECRET_KEY")
    keys = (door.key, *door.old_keys)
    return [key for key in keys if key_id(key) == key_id_given] or keys


def _decoded(token: str, keys: Sequence[str]) -> Mapping[str, Any]:
    """Return the claims of a token that one of `keys` has signed. Raise jwt.InvalidTokenError."""
    import jwt

    for last, key in enumerate(keys, start=1 - len(keys)):
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                leeway=CLOCK_SKEW,
                options={"require": ["sub", "exp"], "verify_aud": False},
            )
        except jwt.InvalidSignatureError:
            if not last:
                raise
    raise AssertionError("a door without a key reads no tokens")


def _rights(claims: Mapping[str, Any]) -> tuple[TopicRights, ...]:
    """Return what the claim ``topics`` lets the bearer do, nothing where everything is. Raise Refused."""
    topics = claims.get("topics")
    if topics is None:
        return ()
    if isinstance(topics, list):
        topics = {"subscribe": topics, "publish": topics}
    if not isinstance(topics, dict):
        raise unauthorized(f"the token's topics may be {_TOPICS_RULE}")
    lists = [topics.get("subscribe", []), topics.get("publish", [])]
    for one in lists:
        if not (isinstance(one, list) and len(one) <= TOPIC_PATTERNS and all(map(is_topic_pattern, one))):
            raise unauthorized(f"the token's topics may be {_TOPICS_RULE}")
    return (TopicRights(*map(tuple, lists)),)


def issued_at(claims: Mapping[str, Any]) -> float:
    """Return when a token was issued, to the millisecond where it is one of ours; 0.0 where it does not say."""
    exactly = claims.get("iat_ms")
    return exactly / 1000 if isinstance(exactly, int) and abs(exactly) < _EXACT else float(claims.get("iat", 0.0))


def ids_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of a token and of those from which it was made."""
    earlier = claims.get("from", [])
    ids = [claims.get("jti", ""), *(earlier if isinstance(earlier, list) else [])]
    return tuple(id for id in ids[:_IDS] if isinstance(id, str) and id and fits(id))


def fits(text: str) -> bool:
    """Return whether `text` is short enough and printable, which half a surrogate pair (JSON can spell one) is not."""
    return len(text) <= NAME_CHARACTERS and text.isprintable()


def unauthorized(message: str) -> Refused:
    """Return the refusal of somebody whose token does not do."""
    return Refused("unauthorized", message, status=401)


def expired() -> Refused:
    """Return the refusal of a token whose time is over."""
    return unauthorized("the token has expired; ask for a new one")
