"""The long-poll transport: one GET after another down, `POST /send` up.

The replies' cursors carry more than a position (`<epoch>-<position>.<more>`); only the server knows what `more` is.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from quart_app.client.address import StreamRequest
from quart_app.client.endings import failed
from quart_app.client.links import Arrival
from quart_app.client.messages import Message, is_welcome, text_field
from quart_app.client.options import Options
from quart_app.client.transports.http import Http


class PollLink:
    """A `Link` over long polling; replies come with the request that sends."""

    transport = "poll"
    takes_subscriptions = False

    def __init__(self, http: Http, request: StreamRequest, options: Options) -> None:
        self._http = http
        self._request = request
        self._options = options
        self._connection_id: str | None = None
        self._rest = 0.0
        self.quiet: float | None = options.poll_wait + 2 * options.request

    async def receive(self) -> Arrival:
        if self._rest:
            await asyncio.sleep(self._rest)
        wait, clock = self._options.poll_wait, self._options.surroundings.time
        asked = clock()
        url = self._http.address.poll(self._request, wait)
        reply = await self._http.poll(url, self._connection_id, wait + self._options.request)
        messages, cursor = reply.get("messages"), text_field(reply, "id")
        if not isinstance(messages, list) or cursor is None:
            raise failed("not a poll's reply")
        for message in messages:
            if not isinstance(message, dict):
                raise failed("not a poll's messages")
            if is_welcome(message):
                self._connection_id = str(message["connection_id"])
        # A server that answers at once with nothing is not to be asked in a tight loop.
        pause = self._options.poll_pause
        self._rest = 0.0 if messages or clock() - asked >= pause else pause
        # Topics are fresh in the first poll only: from then on the cursor covers them.
        self._request = replace(self._request, since=cursor, fresh=())
        return Arrival(messages, cursor)

    async def send(self, topic: str, message: Message) -> list[Message]:
        return await self._http.send(topic, message, self._connection_id or "")

    async def close(self, *, orderly: bool) -> None:
        if orderly and self._connection_id is not None:
            await self._http.leave(self._request.topics[0], self._connection_id)
