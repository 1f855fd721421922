"""The long-poll transport: one GET after another down, `POST /send` up.

The replies' cursors carry more than a position (`<epoch>-<position>.<more>`); they are the server's to read, so they
stay in here and only the position goes out.
"""

from __future__ import annotations

from dataclasses import replace

from quart_app.client.endings import Ending, Kind, LinkEnded
from quart_app.client.ledger import without_more
from quart_app.client.messages import Message, is_welcome, text_field
from quart_app.client.session import Opening
from quart_app.client.transports import Batch
from quart_app.client.transports.http import Http

MARGIN = 10.0
"""Seconds beyond the asked waiting time before a poll counts as lost."""


class PollLink:
    """A `Link` over long polling; replies come with the request that sends."""

    transport = "poll"
    takes_subscriptions = False

    def __init__(self, http: Http, opening: Opening, wait: float) -> None:
        self._http = http
        self._opening = opening
        self._wait = wait
        self._connection_id: str | None = None
        self.quiet: float | None = wait + 2 * MARGIN

    async def receive(self) -> Batch:
        url = self._http.address.poll(self._opening, self._wait)
        reply = await self._http.poll(url, self._connection_id, self._wait + MARGIN)
        messages, cursor = reply.get("messages"), text_field(reply, "id")
        if not isinstance(messages, list) or cursor is None:
            raise LinkEnded(Ending(Kind.BLOCKED, "not a poll's reply"))
        for message in messages:
            if not isinstance(message, dict):
                raise LinkEnded(Ending(Kind.BLOCKED, "not a poll's messages"))
            if is_welcome(message):
                self._connection_id = str(message["connection_id"])
        # Topics are fresh to the first poll only: from then on the cursor speaks for them.
        self._opening = replace(self._opening, since=cursor, fresh=())
        return Batch(messages, without_more(cursor))

    async def send(self, topic: str, message: Message) -> list[Message]:
        return await self._http.send(topic, message, self._connection_id or "")

    async def close(self, *, orderly: bool) -> None:
        if orderly and self._connection_id is not None:
            await self._http.leave(self._opening.topics[0], self._connection_id)
