"""Plain HTTP to the server by the `httpx` library: requests, streams, and `POST /send` for SSE and long polling."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

import httpx

from quart_app.client.address import Address
from quart_app.client.endings import EndingKind, LinkEnded, LinkEnding, ending_of_answer, failed, untrusted
from quart_app.client.errors import SendRefused
from quart_app.client.links import Postponed, RequestFailed, ServerFailed
from quart_app.client.messages import Message, NotAMessage, decode, encode, server_error
from quart_app.client.options import CONNECT_TIMEOUT, GOODBYE_TIMEOUT, Options
from quart_app.wire import Control, retry_after

BUSY = frozenset({408, 429, 503})
CONTENT_TOO_LARGE = 413
CONNECTION_ID = "X-Connection-Id"
JSON = {"Content-Type": "application/json"}
# Something in between that compresses a stream may also buffer it.
STREAM = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Cache-Control": "no-store"}


class Http:
    """The requests of one speaker to one server, over shared connections."""

    def __init__(self, address: Address, options: Options) -> None:
        self.address = address
        self._surroundings = options.surroundings
        self._client = httpx.AsyncClient(
            headers=address.headers,
            # Loading the authorities takes tens of milliseconds, which are saved where there is no TLS.
            verify=(options.tls or ssl.create_default_context()) if address.secure else False,
            timeout=httpx.Timeout(options.request, connect=CONNECT_TIMEOUT),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def stream(self, url: str) -> httpx.Response:
        """Return the open response of an event stream; raise LinkEnded where its status is not 200."""
        timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT)
        request = self._client.build_request("GET", url, headers=STREAM, timeout=timeout)
        response = await self._answer(self._client.send(request, stream=True))
        if response.status_code != httpx.codes.OK:
            try:
                await response.aread()
            finally:
                await response.aclose()
            raise LinkEnded(self._ending(response))
        return response

    async def poll(self, url: str, connection_id: str | None, within: float) -> Message:
        """Return the reply of a long poll, which may take `within` seconds; raise LinkEnded."""
        timeout = httpx.Timeout(within, connect=CONNECT_TIMEOUT)
        headers = {} if connection_id is None else {CONNECTION_ID: connection_id}
        response = await self._answer(self._client.get(url, headers=headers, timeout=timeout))
        if response.status_code != httpx.codes.OK:
            raise LinkEnded(self._ending(response))
        try:
            return decode(response.content)
        except NotAMessage as error:
            raise failed(f"not a poll's reply: {error}") from error

    async def send(self, topic: str, message: Message, connection_id: str) -> list[Message]:
        """Send a message for a connection; return the replies.

        Raise SendRefused, Postponed and ServerFailed by our server's word, RequestFailed for any other answer.
        """
        headers = {**JSON, CONNECTION_ID: connection_id}
        body = encode(message)
        try:
            response = await self._answer(self._client.post(self.address.send(topic), content=body, headers=headers))
        except LinkEnded as error:
            raise RequestFailed(error.ending) from error
        self._check(response)
        try:
            messages = decode(response.content).get("messages")
        except NotAMessage as error:
            raise RequestFailed(failed(f"not a reply: {error}").ending) from error
        if not isinstance(messages, list):
            raise RequestFailed(failed("not a reply: it holds no messages").ending)
        return [reply for reply in messages if isinstance(reply, dict)]

    def _check(self, response: httpx.Response) -> None:
        status, error = response.status_code, server_error(response.content)
        if status in BUSY:
            raise Postponed(self._retry_after(response))
        if status == CONTENT_TOO_LARGE:
            # Something in between may answer so in our server's place; repeating the message would be useless, too.
            raise SendRefused("too_big", "the message is too big" if error is None else error.message)
        if response.is_client_error and error is not None:
            raise SendRefused(error.code, error.message)
        if response.is_server_error and error is not None:
            raise ServerFailed(error.code, error.message)
        if status != httpx.codes.OK:
            raise RequestFailed(self._ending(response))

    async def leave(self, topic: str, connection_id: str) -> None:
        """Tell the server that a connection's user left. Errors are ignored: without this word the user lingers some
        seconds."""
        with suppress(RequestFailed, SendRefused, Postponed, ServerFailed, TimeoutError):
            async with asyncio.timeout(GOODBYE_TIMEOUT):
                await self.send(topic, {"type": Control.BYE}, connection_id)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON of a REST endpoint's answer; raise SendRefused for an error, LinkEnded for no answer."""
        response = await self._answer(self._client.request(method, self.address.http(path, []), json=body))
        if response.is_error:
            error = server_error(response.content)
            if error is None:
                raise SendRefused(f"http_{response.status_code}", response.reason_phrase)
            raise SendRefused(error.code, error.message)
        try:
            return response.json()
        except ValueError as error:
            raise failed(f"{path} answered something else than JSON") from error

    def _ending(self, response: httpx.Response) -> LinkEnding:
        return ending_of_answer(response.status_code, server_error(response.content), self._retry_after(response))

    def _retry_after(self, response: httpx.Response) -> float | None:
        return retry_after(response.headers.get("retry-after"), self._surroundings.wall() / 1000)

    async def _answer(self, answer: Awaitable[httpx.Response]) -> httpx.Response:
        try:
            return await answer
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            unreachable = LinkEnding(EndingKind.UNREACHABLE, str(error) or "cannot connect")
            raise LinkEnded(untrusted(error) or unreachable) from error
        except httpx.ReadTimeout as error:
            raise failed("no answer in time") from error
        except httpx.HTTPError as error:
            raise failed(f"{type(error).__name__} {error}".strip()) from error
