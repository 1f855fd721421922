"""HTTP to issuers and providers, which may be slow, gone, or not what they seem: bounded in time and size.

Errors: `ProviderAway`, `NotTaken`.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, TypeVar

import httpx
import msgspec

from quart_app.doors import is_confidential
from quart_app.realtime.limits import PROVIDER_BYTES, PROVIDER_TIMEOUT

T = TypeVar("T")

_AS_IT_IS: Final = "identity"  # RFC 9110 section 8.4.1: what is not compressed is not larger than it looks
_SHOWN: Final = 200  # characters


class ProviderAway(Exception):
    """An issuer or provider that cannot be reached, or does not answer as it should; the message says which and why."""


class NotTaken(Exception):
    """A form that a provider refuses; the message is what it says."""


class Outside:
    """What is needed to ask outside: certificates of authorities, read once, and the bounds."""

    def __init__(self) -> None:
        self._tls: ssl.SSLContext | None = None

    async def get(self, url: str, type: type[T], *, bearer: str | None = None) -> T:
        """Return the JSON at `url` as a `type`, asked for with the token `bearer` where there is one.

        Raise `ProviderAway`, also for any answer but 200.
        """
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        answer = await self._ask("GET", url, headers, None)
        if answer.status_code != 200:
            raise ProviderAway(f"{url} answers {answer.status_code}")
        return _decoded(answer, type)

    async def post(self, url: str, form: str, headers: Mapping[str, str], type: type[T]) -> T:
        """Return the JSON with which `url` answers the encoded `form`, as a `type`.

        Raise `NotTaken` where the form is refused, `ProviderAway` where something else is the matter.
        """
        answer = await self._ask("POST", url, headers, form)
        if 400 <= answer.status_code < 500:
            raise NotTaken(f"{answer.status_code}, {answer.text[:_SHOWN]!r}")
        if answer.status_code != 200:
            raise ProviderAway(f"{url} answers {answer.status_code}")
        return _decoded(answer, type)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> httpx.Response:
        try:
            if not is_confidential(url):
                raise ProviderAway(f"{url!r} is not an address of https")
            if self._tls is None:
                self._tls = await asyncio.to_thread(httpx.create_ssl_context)  # it reads some 200 KB of certificates
            own = {"Accept": "application/json", "Accept-Encoding": _AS_IT_IS}
            bounds: dict[str, Any] = {"timeout": PROVIDER_TIMEOUT, "event_hooks": {"response": [_bound]}}
            async with asyncio.timeout(PROVIDER_TIMEOUT), httpx.AsyncClient(verify=self._tls, **bounds) as client:
                return await client.request(method, url, headers={**own, **headers}, content=body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise ProviderAway(f"{url}: {str(error) or error.__class__.__name__}") from error


def _decoded(answer: httpx.Response, type: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=type)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ProviderAway(f"{answer.url}: {error}") from error


async def _bound(response: httpx.Response) -> None:
    if response.headers.get("Content-Encoding", _AS_IT_IS).lower() != _AS_IT_IS:
        raise httpx.DecodingError("the answer is compressed, which was not asked for", request=response.request)
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - the client is an async one
    response.stream = _BoundedStream(response.stream)


class _BoundedStream(httpx.AsyncByteStream):
    """A body that ends with an error where it is longer than it may be."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for part in self._stream:
            taken += len(part)
            if taken > PROVIDER_BYTES:
                raise httpx.ReadError(f"the answer has more than {PROVIDER_BYTES} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
