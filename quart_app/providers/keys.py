"""The keys that an issuer publishes as a JSON Web Key Set (RFC 7517), fetched aside from the requests that need them.

They are fetched at the start, every hour, and when a token names a key that is not known. Where that fails, those that
are known stay.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from quart_app.identity import unauthorized
from quart_app.providers.outside import ProviderAway
from quart_app.realtime import Refused
from quart_app.realtime.limits import KEYS_PAUSE, KEYS_PUBLISHED, KEYS_RENEWED, KEYS_RETRIED, KEYS_UNKNOWN

_KINDS: Final = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_RSA_BITS: Final = range(2048, 8192 + 1)  # RFC 7518 section 3.3; longer ones take long to use

Jwk = Mapping[str, Any]
KeyName = tuple[str | None, str]  # the id and the algorithm

logger = logging.getLogger(__name__)


class KeySet(Struct):
    """A JSON Web Key Set, as it is published."""

    keys: list[dict[str, Any]]


class PublishedKeys:
    """The keys of the issuer `name`, which `fetch` fetches; it raises `ProviderAway`.

    A key that a token names and that is not known is looked for once, after that the token is refused. So a client with
    a new key waits a moment, one with a wrong key hears the truth, and neither has the issuer asked more than once in
    KEYS_PAUSE.
    """

    def __init__(self, name: str, fetch: Callable[[], Awaitable[Sequence[Jwk]]]) -> None:
        self._name = name
        self._fetch = fetch
        self._known: dict[KeyName, Any] | None = None
        self._wanted: set[KeyName] = set()
        self._missing: set[KeyName] = set()
        self._problem: str | None = None
        self._asked = asyncio.Event()
        self._tried = asyncio.Condition()
        self._next_try = 0.0  # on the clock of time.monotonic

    def find(self, key_id: str | None, algorithm: str) -> Any:
        """Return the key of this id; without an id, the only one for the algorithm. Raise `Refused`."""
        name = key_id, algorithm
        if (key := self._of(name)) is not None:
            return key
        if self._known is not None and name in self._missing:
            raise unauthorized("the token is signed with a key that its issuer does not publish")
        if len(self._wanted) < KEYS_UNKNOWN:
            self._wanted.add(name)
        self._asked.set()
        raise Refused(
            "keys_unavailable",
            "the key that the token is signed with is being fetched from its issuer; try again in a moment",
            status=503,
            retry_after=max(1.0, self._next_try - time.monotonic() + 1.0),
        )

    async def obtain(self, key_id: str | None, algorithm: str) -> Any:
        """Return the key as `find` does, and wait for it. Raise `Refused`, and `ProviderAway` where none comes."""
        return await self._until(lambda: self.find(key_id, algorithm))

    async def ready(self) -> None:
        """Return once the keys are known. Raise `ProviderAway` where they do not come."""
        await self._until(self._require)

    async def run(self) -> None:
        """Fetch the keys, again and again."""
        while True:
            await self._try()
            with suppress(TimeoutError):
                async with asyncio.timeout(KEYS_RENEWED if self._problem is None else KEYS_RETRIED):
                    await self._asked.wait()
            await asyncio.sleep(self._next_try - time.monotonic())

    def _of(self, name: KeyName) -> Any:
        known = self._known or {}
        if name[0] is not None:
            return known.get(name)
        fitting = [key for (_, algorithm), key in known.items() if algorithm == name[1]]
        return fitting[0] if len(fitting) == 1 else None

    def _require(self) -> None:
        if self._known is None:
            self._asked.set()
            raise Refused("keys_unavailable", "the keys are being fetched", status=503)

    async def _until(self, ask: Callable[[], Any]) -> Any:
        """Return what `ask` says once it does not refuse with 503. Raise `ProviderAway` where a try to fetch the keys
        has failed just now."""
        async with self._tried:
            while True:
                try:
                    return ask()
                except Refused as refused:
                    if refused.status != 503:
                        raise
                if self._problem is not None and time.monotonic() < self._next_try:
                    raise ProviderAway(self._problem)
                await self._tried.wait()

    async def _try(self) -> None:
        """Fetch the keys once, and tell those who wait."""
        self._asked.clear()
        wanted = frozenset(self._wanted)  # more may be asked for meanwhile
        try:
            self._known = read_keys(await self._fetch())
        except ProviderAway as error:
            if self._problem is None:  # once, however long it takes
                logger.warning("the keys of %s cannot be fetched: %s", self._name, error)
            self._problem = str(error)
        else:
            if self._problem is not None:
                logger.info("the keys of %s can be fetched again", self._name)
            self._problem = None
            self._wanted -= wanted
            if len(self._missing) + len(wanted) > KEYS_UNKNOWN:
                self._missing.clear()
            self._missing |= {name for name in wanted if self._of(name) is None}
        self._next_try = time.monotonic() + KEYS_PAUSE
        async with self._tried:
            self._tried.notify_all()


def read_keys(published: Iterable[Jwk]) -> dict[KeyName, Any]:
    """Return the keys of a set that sign, by id and algorithm.

    Keys of other kinds or for other uses are left out, and so are those that are weak, or private and published.
    """
    keys: dict[KeyName, Any] = {}
    for one in published:
        with suppress(jwt.PyJWTError, UnsupportedAlgorithm, TypeError, ValueError):
            algorithm = _KINDS.get((one.get("kty", ""), one.get("crv")))
            signs = one.get("use", "sig") == "sig" and one.get("alg", algorithm) == algorithm and "d" not in one
            if algorithm is not None and signs and len(keys) < KEYS_PUBLISHED:
                key = jwt.PyJWK(dict(one), algorithm).key
                if not isinstance(key, RSAPublicKey) or key.key_size in _RSA_BITS:
                    keys[one.get("kid"), algorithm] = key
    return keys
