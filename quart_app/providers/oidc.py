"""Signing in at an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

What the provider is like, it says in its discovery document, which is fetched with its keys.

Errors: `ProviderAway`, and `NotConfirmed` where the provider does not say who somebody is, or not in such a way that it
can be believed.
"""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from msgspec import Struct, field

from quart_app.doors import is_confidential
from quart_app.identity import header_of, read_claims
from quart_app.issuers import Provider
from quart_app.providers.attempt import Attempt
from quart_app.providers.keys import Jwk, KeySet, PublishedKeys
from quart_app.providers.outside import NotTaken, Outside, ProviderAway
from quart_app.realtime import Refused
from quart_app.realtime.limits import PROVIDER_EXCHANGES, PROVIDER_TIMEOUT

_DISCOVERY: Final = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0 section 4
_SCOPES: Final = ("openid", "profile", "email")
_BASIC: Final = "client_secret_basic"
_GOOGLE: Final = "https://accounts.google.com"
_CHOOSE: Final = "select_account"
_SHOWN: Final = 200  # characters


class NotConfirmed(Exception):
    """A provider does not confirm who somebody is; the message says why."""


class Discovery(Struct):
    """What a provider says of itself (OpenID Connect Discovery 1.0 section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    scopes_supported: list[str] = []
    token_endpoint_auth_methods_supported: list[str] = field(default_factory=lambda: [_BASIC])
    prompt_values_supported: list[str] = []


class Tokens(Struct):
    """What a provider gives for a code (OpenID Connect Core 1.0 section 3.1.3.3)."""

    id_token: str
    access_token: str


class SignIn:
    """Signing in at `provider`, which is asked by way of `outside`. `keys` are those that it signs with."""

    _about: Discovery

    def __init__(self, provider: Provider, outside: Outside) -> None:
        self._provider = provider
        self._outside = outside
        self._exchanges = asyncio.Semaphore(PROVIDER_EXCHANGES)
        self.keys = PublishedKeys(provider.issuer, self._discover)

    async def address(self, attempt: Attempt, redirect: str, *, anew: bool) -> str:
        """Return where a visitor signs in who is to come back to `redirect`; as somebody else than before, if `anew`.

        Raise `ProviderAway`.
        """
        await self.keys.ready()
        more = {"prompt": self._choosing} if anew else {}
        client = OAuth2Client(
            None, self._provider.client_id, scope=" ".join(self._scopes), code_challenge_method="S256"
        )
        address, _ = client.create_authorization_url(
            self._about.authorization_endpoint,
            redirect_uri=redirect,
            state=attempt.state,
            nonce=attempt.nonce,
            code_verifier=attempt.verifier,
            **more,
        )
        return str(address)

    async def claims(self, attempt: Attempt, answer: Mapping[str, str], redirect: str) -> Mapping[str, Any]:
        """Return the claims of the visitor whom the provider has sent back to `redirect` with the parameters `answer`.

        Raise `ProviderAway`, `NotConfirmed`.
        """
        await self.keys.ready()
        if "error" in answer:  # RFC 6749 section 4.1.2.1
            raise NotConfirmed(f"it says {answer['error'][:_SHOWN]!r}")
        if answer.get("iss", self._about.issuer) != self._about.issuer:  # RFC 9207
            raise NotConfirmed(f"the answer is of another one, {answer['iss'][:_SHOWN]!r}")
        if not answer.get("code"):
            raise NotConfirmed("there is no code in its answer")
        tokens = await self._exchange(attempt, answer["code"], redirect)
        claims = await self._read(tokens.id_token, attempt)
        return {**await self._more(claims, tokens.access_token), **claims}

    async def _discover(self) -> Sequence[Jwk]:
        """Fetch what the provider says of itself, and return its keys. Raise `ProviderAway`."""
        issuer = self._provider.issuer
        about = await self._outside.get(issuer.rstrip("/") + _DISCOVERY, Discovery)
        if about.issuer.rstrip("/") != issuer.rstrip("/"):
            raise ProviderAway(f"{issuer} says that it is {about.issuer[:_SHOWN]!r}")
        for address in (about.authorization_endpoint, about.token_endpoint):
            if not is_confidential(address):
                raise ProviderAway(f"{issuer} has the address {address[:_SHOWN]!r}, which is not one of https")
        keys = (await self._outside.get(about.jwks_uri, KeySet)).keys
        self._about = about
        return keys

    @property
    def _scopes(self) -> list[str]:
        """The scopes to ask for: some providers have one of its own for a claim such as `groups`."""
        asked = dict.fromkeys(rule.claim for rule in self._provider.rules)
        return [*_SCOPES, *(name for name in asked if name in self._about.scopes_supported and name not in _SCOPES)]

    @property
    def _choosing(self) -> str:
        # Google does not say that it has no other way.
        chooses = _CHOOSE in self._about.prompt_values_supported or self._about.issuer == _GOOGLE
        return _CHOOSE if chooses else "login"

    async def _exchange(self, attempt: Attempt, code: str, redirect: str) -> Tokens:
        """Return the tokens for a code (RFC 6749 section 4.1.3)."""
        form = prepare_token_request(
            "authorization_code", redirect_uri=redirect, code=code, code_verifier=attempt.verifier
        )
        address = self._about.token_endpoint
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        _, headers, form = self._own_proof().prepare("POST", address, headers, form)
        try:
            async with asyncio.timeout(2 * PROVIDER_TIMEOUT), self._exchanges:
                return await self._outside.post(address, form, headers, Tokens)
        except NotTaken as error:
            raise NotConfirmed(f"it does not take the code: {error}") from error
        except TimeoutError as error:
            raise ProviderAway("too many people are signing in") from error

    def _own_proof(self) -> ClientAuth:
        """Return what proves to the provider that we are its client."""
        id, secret = self._provider.client_id, self._provider.client_secret
        if secret is None:
            return ClientAuth(id, None, "none")
        if _BASIC in self._about.token_endpoint_auth_methods_supported:
            return ClientAuth(quote(id, safe=""), quote(secret, safe=""), _BASIC)  # RFC 6749 section 2.3.1
        return ClientAuth(id, secret, "client_secret_post")

    async def _read(self, token: str, attempt: Attempt) -> Mapping[str, Any]:
        """Return the claims of an ID token (OpenID Connect Core 1.0 section 3.1.3.7)."""
        header, audience = header_of(token), self._provider.client_id
        try:
            key = await self.keys.obtain(header.get("kid"), header.get("alg", ""))
            claims = read_claims(token, key, header["alg"], issuer=self._about.issuer, audience=audience)
        except Refused as refused:
            raise NotConfirmed(refused.message) from refused
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else audience) != audience:
            raise NotConfirmed("the ID token was made for somebody else")
        nonce = claims.get("nonce")
        if not (isinstance(nonce, str) and hmac.compare_digest(nonce.encode(), attempt.nonce.encode())):
            raise NotConfirmed("the ID token is of another attempt")
        return claims

    async def _more(self, claims: Mapping[str, Any], access_token: str) -> Mapping[str, Any]:
        """Return what the provider says of the visitor elsewhere (section 5.3), where the rules need more than
        `claims`."""
        needed = {rule.claim.partition(".")[0] for rule in self._provider.rules} | {"name"}
        address = self._about.userinfo_endpoint
        if needed <= claims.keys() or address is None:
            return {}
        more = await self._outside.get(address, dict[str, Any], bearer=access_token)
        if more.get("sub") != claims["sub"]:
            raise NotConfirmed("what it says elsewhere is of somebody else")
        return more
