"""The bounded queue between a connection and the consumer. When it is full, reading stops.

An acknowledgement comes behind other messages, so while one is awaited reading may go on up to a second, higher limit:
otherwise a consumer that awaits `send` inside its loop would wait for itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from quart_app.client.errors import Closed
from quart_app.client.messages import Message


class Inbox:
    """The messages received and not yet consumed."""

    def __init__(self, limit: int, limit_while_sending: int, sending: Callable[[], bool]) -> None:
        """Hold at most so many messages; `sending()` tells whether an acknowledgement is awaited."""
        self._limit = limit
        self._limit_while_sending = limit_while_sending
        self._sending = sending
        self._messages: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._arrived = asyncio.Event()
        self._closed: Closed | None = None

    @property
    def overfull(self) -> bool:
        """Tell whether not even the higher limit leaves room."""
        return len(self._messages) >= self._limit_while_sending

    def nudge(self) -> None:
        """Look again whether reading should go on, because something was sent."""
        self._changed.set()

    async def room(self) -> None:
        """Return as soon as a message may be read."""
        while len(self._messages) >= self._limit and not self._sending():
            self._changed.clear()
            await self._changed.wait()

    def put(self, message: Message) -> None:
        """Append a message; this is to be called after `room` without waiting in between."""
        self._messages.append(message)
        self._arrived.set()

    async def get(self) -> Message:
        """Return the oldest message; raise Closed once there is none and none to come."""
        while not self._messages:
            if self._closed is not None:
                raise self._closed
            self._arrived.clear()
            await self._arrived.wait()
        message = self._messages.popleft()
        self._changed.set()
        return message

    def close(self, reason: Closed) -> None:
        """Let no more messages in after those already here; then `get` raises `reason`."""
        self._closed = reason
        self._arrived.set()
