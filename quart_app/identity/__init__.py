"""The identity of who is speaking, and the check of their site: tokens, cookies, plain names at an open door, origins.

This package owns both ways of access. It knows nothing of topics but which ones a token names: a channel decides what
somebody may do there. It raises `Refused`: ``unauthorized`` (401), ``forbidden`` (403) where no rule lets in an account
of somebody else, ``keys_unavailable`` (503), ``bad_request`` (400), ``origin_not_allowed`` (403).
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qs, unquote

from quart_app.doors import Door, client_address, door_of, is_loopback
from quart_app.identity.claims import identity_of
from quart_app.identity.published import ALGORITHMS, Keys, header_of, read_claims, read_published
from quart_app.identity.sites import check_origin, check_reader, cors_headers
from quart_app.identity.source import Source
from quart_app.identity.tokens import (
    CLOCK_SKEW,
    NAME_CHARACTERS,
    NAME_RULE,
    TICKET_LIFETIME,
    fits,
    issue_session,
    issue_ticket,
    issue_token,
    read_token,
    unauthorized,
)
from quart_app.issuers import Issuer
from quart_app.realtime import ADMIN, Identity, Refused, Revocations, TopicRights

__all__ = [
    "ALGORITHMS", "CLOCK_SKEW", "NAME_CHARACTERS", "TICKET_LIFETIME", "TOKEN_SUBPROTOCOL", "USER_COOKIE",
    "Identification", "Keys", "Source",
    "accepted_subprotocol", "check_origin", "check_reader", "cors_headers", "header_of", "identify", "identity_of",
    "issue_session", "issue_ticket", "issue_token", "read_claims", "read_token", "token_cookie", "unauthorized",
]  # fmt: skip

USER_COOKIE: Final = "envivo_user"
TOKEN_SUBPROTOCOL: Final = "bearer"

_TOKEN_COOKIE: Final = "envivo_token"
_NO_KEYS: Final[Mapping[Issuer, Keys]] = {}
_OPEN_ROLE: Final = ADMIN  # everybody has this role at an open door, and may do everything


class Identification:
    """The identification of those who speak to one server, which asks what was revoked, and has the keys of issuers.

    Nobody is known at a door for which `is_open` does not hold: what has come in before it was closed may be asked
    after that.
    """

    def __init__(self, revocations: Revocations, is_open: Callable[[Door], bool] = lambda _: True) -> None:
        self._is_open = is_open
        self._revocations = revocations
        self.keys: dict[Issuer, Keys] = {}

    def identify(self, source: Source, *, tickets: bool = False) -> Identity:
        """Return who sent `source` by the door at which it came in; `tickets` are taken where a stream is opened, and
        nowhere else. Raise `Refused` where the door lets nobody in."""
        door = door_of(source.scope)
        return self.limited(door, identify(door, source, self.keys, tickets=tickets))

    def known(self, source: Source, *, tickets: bool = False) -> Identity | None:
        """Return who sent `source`, None where nobody can tell."""
        try:
            return self.identify(source, tickets=tickets)
        except Refused:
            return None

    def read(self, door: Door, token: str | None) -> Identity:
        """Return who `token` speaks for at `door`. Raise `Refused`."""
        return self.limited(door, _read(door, token, self.keys))

    def limited(self, door: Door, identity: Identity) -> Identity:
        """Return `identity` as far as the door lets it in. Raise `Refused` where that was closed, or the token
        revoked."""
        if not self._is_open(door):
            raise unauthorized("this door was closed")
        self._revocations.check(identity)
        if door.topics:
            return replace(identity, rights=(*identity.rights, TopicRights(door.topics, door.topics)))
        return identity


def identify(door: Door, source: Source, keys: Mapping[Issuer, Keys] = _NO_KEYS, *, tickets: bool = False) -> Identity:
    """Return who sent `source`, which came in by `door`; tokens of issuers are read with their `keys`.

    At a secure door the token tells: that of ``Authorization: Bearer``, else of the subprotocol pair
    ``bearer, <token>``, else of the query parameters ``ticket``, where `tickets` are taken, and ``token``, else of the
    cookie ``envivo_token``. At an open one ``user_id`` and ``username`` of the query tell, else the cookie
    ``envivo_user``; else the sender is a new guest. Raise `Refused` where the door does not let the sender in.
    """
    if door.secure:
        token = _bearer(source)
        if tickets and token is None and (ticket := source.args.get("ticket")):
            return read_token(door, ticket, ticket=True)
        return _read(door, token or source.args.get("token") or source.cookies.get(token_cookie(door)), keys)
    identity = _open_identity(source)
    return replace(identity, payer=_payer(source, identity)) if door.proxies else identity


def _payer(source: Source, identity: Identity) -> str:
    """Return on whose account is what `identity` uses at an open door that proxies lead to: nobody's where that is
    somebody at this machine; guests without a name share the account of their address."""
    address = client_address(source.scope)
    if is_loopback(address):
        return ""
    return address if identity.nameless else identity.user_id


def _read(door: Door, token: str | None, keys: Mapping[Issuer, Keys]) -> Identity:
    if door.issuer is not None and token and header_of(token).get("alg") in ALGORITHMS:
        return read_published(door, token, keys)
    return read_token(door, token)


def token_cookie(door: Door) -> str:
    """Return the name of the cookie that keeps a visitor's token. Where the door is one of https, browsers hold it to
    that (RFC 6265bis section 4.1.3.2)."""
    return f"__Host-{_TOKEN_COOKIE}" if door.over_tls else _TOKEN_COOKIE


def accepted_subprotocol(source: Source) -> str | None:
    """Return the subprotocol to accept a WebSocket with, because a browser that offered some and got none gives up."""
    return TOKEN_SUBPROTOCOL if _subprotocol_token(source) is not None else None


def _bearer(source: Source) -> str | None:
    scheme, _, bearer = source.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":  # RFC 6750 section 2.1
        return bearer.strip()
    return _subprotocol_token(source)


def _subprotocol_token(source: Source) -> str | None:
    offered = [part.strip() for part in source.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if len(offered) >= 2 and offered[0] == TOKEN_SUBPROTOCOL:
        return offered[1]
    return None


def _open_identity(source: Source) -> Identity:
    args, cookie = source.args, source.cookies.get(USER_COOKIE, "")
    if not (args or cookie):
        return _guest()
    user_id, username = args.get("user_id", ""), args.get("username", "")
    if not (user_id.strip() or username.strip()):
        user_id, username = _read_user_cookie(cookie)
    user_id, username = _clean("user_id", user_id), _clean("username", username)
    if not (user_id or username):
        return _guest()
    return Identity(user_id or username, username or user_id, _OPEN_ROLE)


def _guest() -> Identity:
    """Return somebody who keeps this name for the connection; the random part at its end keeps two guests apart."""
    guest = f"guest-{secrets.token_hex(4)}"
    return Identity(guest, guest, _OPEN_ROLE, nameless=True)


def _read_user_cookie(cookie: str) -> tuple[str, str]:
    """Return (user_id, username) of a cookie: ``user_id=1&username=Ana``, percent-encoded as a whole or not, or a
    bare name."""
    text = unquote(cookie)
    if "=" not in text:
        return "", text
    form = parse_qs(text)
    return form.get("user_id", [""])[0], form.get("username", [""])[0]


def _clean(name: str, text: str) -> str:
    text = text.strip()
    if not fits(text):
        raise Refused("bad_request", f"{name} may have {NAME_RULE}", fields={name: NAME_RULE})
    return text
