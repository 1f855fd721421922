"""Plain HTTP to the server by the `httpx` library: requests, streams, and `POST /send` for SSE and long polling."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

import httpx

from quart_app.client.address import Address
from quart_app.client.endings import (
    COME_BACK_STATUSES,
    Ending,
    Kind,
    LinkEnded,
    from_status,
    retry_after_seconds,
    untrusted,
)
from quart_app.client.errors import SendRefused
from quart_app.client.messages import Message, NotAMessage, decode, encode
from quart_app.client.transports import Postponed, RequestFailed

CONNECT_TIMEOUT = 5.0
REPLY_TIMEOUT = 15.0
LEAVE_TIMEOUT = 2.0
BUSY_DELAY = 1.0
CONNECTION_ID = "X-Connection-Id"
JSON = {"Content-Type": "application/json"}
# A stream that something in between compresses is a stream it may buffer.
STREAM = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Cache-Control": "no-store"}


class Http:
    """The requests of one speaker to one server, over shared connections."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        self.address = address
        self._client = httpx.AsyncClient(
            headers=address.headers,
            # Loading the authorities takes tens of milliseconds: not where there is no TLS.
            verify=(tls or ssl.create_default_context()) if address.secure else False,
            timeout=httpx.Timeout(REPLY_TIMEOUT, connect=CONNECT_TIMEOUT),
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()

    async def stream(self, url: str) -> httpx.Response:
        """Returns the open response of an event stream; raises LinkEnded unless it is 200."""
        timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT)
        request = self._client.build_request("GET", url, headers=STREAM, timeout=timeout)
        response = await self._answer(self._client.send(request, stream=True))
        if response.status_code != httpx.codes.OK:
            try:
                await response.aread()
            finally:
                await response.aclose()
            raise LinkEnded(_refusal(response))
        return response

    async def poll(self, url: str, connection_id: str | None, wait: float) -> Message:
        """Returns the reply of a long poll; raises LinkEnded."""
        timeout = httpx.Timeout(wait, connect=CONNECT_TIMEOUT)
        headers = {} if connection_id is None else {CONNECTION_ID: connection_id}
        response = await self._answer(self._client.get(url, headers=headers, timeout=timeout))
        if response.status_code != httpx.codes.OK:
            raise LinkEnded(_refusal(response))
        try:
            return decode(response.content)
        except NotAMessage as error:
            raise LinkEnded(Ending(Kind.BLOCKED, f"not a poll's reply: {error}")) from error

    async def send(self, topic: str, message: Message, connection_id: str) -> list[Message]:
        """Sends a message for a connection; returns the replies. Raises SendRefused, Postponed, RequestFailed."""
        headers = {**JSON, CONNECTION_ID: connection_id}
        body = encode(message)
        try:
            response = await self._answer(self._client.post(self.address.send(topic), content=body, headers=headers))
        except LinkEnded as error:
            raise RequestFailed(error.ending) from error
        if response.status_code in COME_BACK_STATUSES:
            wait = retry_after_seconds(response.headers)
            raise Postponed(BUSY_DELAY if wait is None else wait)
        if response.is_client_error:
            raise SendRefused(*_error(response))
        if response.status_code != httpx.codes.OK:
            raise RequestFailed(_refusal(response))
        try:
            messages = decode(response.content).get("messages")
        except NotAMessage as error:
            raise RequestFailed(Ending(Kind.DIED, f"not a reply: {error}")) from error
        return [reply for reply in messages if isinstance(reply, dict)] if isinstance(messages, list) else []

    async def leave(self, topic: str, connection_id: str) -> None:
        """Tells the server that a connection's user left. Best effort: without it the user lingers some seconds."""
        with suppress(RequestFailed, SendRefused, Postponed, TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT):
                await self.send(topic, {"type": "bye"}, connection_id)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Returns the JSON of a REST endpoint's answer; raises SendRefused for an error, LinkEnded for no answer."""
        response = await self._answer(self._client.request(method, self.address.http(path, []), json=body))
        if response.is_error:
            raise SendRefused(*_error(response))
        try:
            return response.json()
        except ValueError as error:
            raise LinkEnded(Ending(Kind.BLOCKED, f"{path} answered something else than JSON")) from error

    async def _answer(self, answer: Awaitable[httpx.Response]) -> httpx.Response:
        try:
            return await answer
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            unreachable = Ending(Kind.UNREACHABLE, str(error) or "cannot connect")
            raise LinkEnded(untrusted(error) or unreachable) from error
        except httpx.ReadTimeout as error:
            raise LinkEnded(Ending(Kind.SILENT, "no answer in time")) from error
        except httpx.HTTPError as error:
            raise LinkEnded(Ending(Kind.DIED, f"{type(error).__name__} {error}".strip())) from error


def _error(response: httpx.Response) -> tuple[str, str]:
    """Returns the code and the text of a REST error, whoever made it."""
    try:
        error = decode(response.content).get("error")
    except NotAMessage:
        error = None
    if isinstance(error, dict):
        return str(error.get("code", response.status_code)), str(error.get("message", response.reason_phrase))
    return f"http_{response.status_code}", response.reason_phrase


def _refusal(response: httpx.Response) -> Ending:
    return from_status(response.status_code, response.headers, _error(response)[1])
