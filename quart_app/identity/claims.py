"""What the claims of an issuer's token make of somebody, by the rules of the operator.

It raises `Refused`: ``forbidden`` (403) where no rule lets somebody in.
"""

import hashlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from quart_app.identity.tokens import NAME_CHARACTERS, fits
from quart_app.issuers import Rule
from quart_app.realtime import Identity, Refused, TopicRights

_NAMES: Final = ("name", "preferred_username", "email")  # OpenID Connect Core 1.0 section 5.1
_VALUES: Final = 1_000  # of one claim that are looked at
_ANYBODY: Final = Rule("sub", "*", "user")


def identity_of(claims: Mapping[str, Any], rules: Sequence[Rule]) -> Identity:
    """Return who somebody with these `claims` is here: what the first of the `rules` says that fits.

    ``sub`` is the `user_id`; one that is too long for that is replaced by its hash. Without rules everybody is let in
    as ``user`` but those whose address the issuer has not verified. Raise `Refused`.
    """
    rule = next((rule for rule in rules or (_ANYBODY,) if _fits(rule, claims)), None)
    if rule is None or (not rules and not _verified(claims, otherwise=True)):
        raise Refused("forbidden", "this account is not let in here; another one may be", status=403)
    user_id = _user_id(str(claims["sub"]))
    return Identity(
        user_id,
        next((name for claim in _NAMES if (name := _shown(claims.get(claim)))), user_id),
        rule.role,
        rights=(TopicRights(rule.topics, rule.topics),) if rule.topics else (),
        payer=user_id,
    )


def _fits(rule: Rule, claims: Mapping[str, Any]) -> bool:
    values = _values(claims, rule.claim)
    if rule.claim != "email":
        return any(fnmatchcase(value, rule.value) for value in values)
    # Elsewhere anybody writes down any address; and an address is the same in small letters.
    return _verified(claims, otherwise=False) and any(
        fnmatchcase(value.lower(), rule.value.lower()) for value in values
    )


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    """Return the values of the claim `name`, whose dots may lead into objects (`realm_access.roles`), as texts."""
    value: Any = claims.get(name)
    if value is None:
        value = claims
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    listed = value[:_VALUES] if isinstance(value, list) else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in listed if isinstance(one, str | int)]


def _verified(claims: Mapping[str, Any], *, otherwise: bool) -> bool:
    """Return whether the issuer has verified the claim ``email``; `otherwise` where it does not say."""
    told = claims.get("email_verified")
    return otherwise if told is None else told in (True, "true")


def _user_id(sub: str) -> str:
    if sub and fits(sub):
        return sub
    return f"sub-{hashlib.sha256(sub.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"


def _shown(name: object) -> str:
    """Return the part of a name that fits into ours, empty where there is none."""
    text = "".join(filter(str.isprintable, name)).strip()[:NAME_CHARACTERS] if isinstance(name, str) else ""
    return text if fits(text) else ""
