"""Others who say who somebody is: the provider that people sign in with, and the issuer of access tokens.

What a door believes of them is said in `issuers`, who somebody is by their claims in `identity`. This package asks
them; nothing of it is imported where no door believes anybody.
"""

import asyncio
from collections.abc import Iterable
from functools import partial

from quart_app.domains import Program
from quart_app.doors import Door
from quart_app.issuers import Issuer
from quart_app.providers.keys import Jwk, KeySet, PublishedKeys
from quart_app.providers.oidc import SignIn
from quart_app.providers.outside import Outside
from quart_app.providers.views import routes

__all__ = ["Providers"]


class Providers:
    """Those whom the secure ones of `doors` believe, in a program that has not started yet."""

    def __init__(self, program: Program, doors: Iterable[Door]) -> None:
        outside = Outside()
        believing = [door for door in doors if door.secure]
        issuers = {door.issuer for door in believing if door.issuer is not None}
        providers = {door.provider for door in believing if door.provider is not None}
        sign_ins = {provider: SignIn(provider, outside) for provider in providers}
        keys = {issuer: PublishedKeys(issuer.name, partial(_keys_of, issuer, outside)) for issuer in issuers}
        program.identification.keys.update(keys)
        program.add_routes(routes(sign_ins))
        self._keys = [*keys.values(), *(sign_in.keys for sign_in in sign_ins.values())]
        self._fetching: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to fetch keys; nobody waits for them here."""
        self._fetching = [asyncio.create_task(keys.run(), name="keys") for keys in self._keys]

    async def stop(self) -> None:
        """Fetch no more keys."""
        for task in self._fetching:
            task.cancel()


async def _keys_of(issuer: Issuer, outside: Outside) -> list[Jwk]:
    return [*(await outside.get(issuer.keys_url, KeySet)).keys]
