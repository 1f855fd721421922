"""What has come in for one HTTP request or WebSocket: an inbox in the place of the queue by which Hypercorn hands it
over.

It can tell whether a whole request is there, so that nobody need wait for it, and that the peer is lost, so that nobody
need ask. It takes the news that the peer is lost even if it is full: else who has filled it would stay for ever.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from quart_app.transports.below.hypercorn_018 import ASGIHTTPState, TaskGroup, handle_in_task

_LAST: Final = frozenset({"http.disconnect", "websocket.disconnect"})


class Inbox:
    """The events of one HTTP request or WebSocket that its application has not taken yet; there is `room` for so many.

    `size` is how many bytes of the body have come in, and `whole` tells whether the request has, and nothing after it.
    `on_loss` is called when the peer is lost before its answer is complete.
    """

    __slots__ = ("_events", "_over", "_room", "_stream", "_waiting", "on_loss", "size", "whole")

    def __init__(self, room: int, stream: Any) -> None:
        self.size = 0
        self.whole = False
        self._events: deque[Any] = deque()
        self._over = False
        self._room = room
        self._stream: Any = stream
        self._waiting: list[asyncio.Future[None]] = []
        self.on_loss: Callable[[], object] | None = None

    async def put(self, event: Any) -> None:
        """Add an event, as soon as there is room for it; after the last one, do nothing."""
        if event["type"] in _LAST:
            self._lose()
        else:
            while len(self._events) >= self._room and not self._over:
                await self._change()
            if self._over:
                return
        self.size += len(event.get("body") or b"")
        self.whole = not event.get("more_body", True)
        self._events.append(event)
        self._changed()

    def _lose(self) -> None:
        """Note that the peer is lost, or that its answer is complete."""
        self._over = True
        stream, self._stream = self._stream, None  # which has this inbox, and would be freed by no one
        lost = stream is not None and stream.state is not ASGIHTTPState.CLOSED
        if lost and self.on_loss is not None:
            self.on_loss()

    async def get(self) -> Any:
        """Return the next event, as soon as there is one."""
        while not self._events:
            await self._change()
        self.whole = False
        event = self._events.popleft()
        self._changed()
        return event

    def take(self) -> bytes:
        """Return the body of a `whole` request, which is then no longer here."""
        self.whole = False
        body = b"".join([event["body"] for event in self._events])
        self._events.clear()
        self._changed()
        return body

    async def _change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    def _changed(self) -> None:
        if not self._waiting:
            return
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()


def arrived(receive: Any) -> Inbox | None:
    """Return the inbox behind an ASGI `receive` where a whole request is in it, None anywhere else."""
    inbox = owner(receive)
    return inbox if type(inbox) is Inbox and inbox.whole else None


def owner(method: Any) -> Any:
    """Return the object that a bound method belongs to, None for another callable."""
    return getattr(method, "__self__", None)


class TidyTaskGroup(TaskGroup):
    """The tasks of one connection; each HTTP request and each WebSocket gets an `Inbox`."""

    async def spawn_app(self, app: Any, config: Any, scope: Any, send: Any) -> Any:
        inbox = Inbox(config.max_app_queue_size, owner(send))
        self.spawn(handle_in_task, app, config, scope, inbox.get, send, None, None)  # these two are for WSGI
        return inbox.put
