"""How a node of the world serves its clients: the engine behind connections that are simulated.

What Quart, Hypercorn and sockets do for a real node is done here in few lines; the engine and the pump are the real
ones.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from quart_app.lab.world.roads import Cut, End
from quart_app.realtime import Batch, Connection, EndedMeanwhile, Hub, Identity, Message, Opening, Refused, message
from quart_app.transports.elsewhere import Named, perform_anywhere, resume
from quart_app.transports.pump import Pump
from quart_app.wire import Close, Control

NEVER = float("-inf")


@dataclass(frozen=True)
class Request:
    """What a client asks for; `kind` is a transport, or `send` for a message, which is in `body`."""

    kind: str
    identity: Identity
    topics: tuple[str, ...]
    since: str | None = None
    fresh: tuple[str, ...] = ()
    connection_id: str = ""
    wait: float = 0.0
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What a request other than for a stream is answered with: its messages, and where a poll stands after them."""

    messages: list[bytes]
    cursor: str = ""


@dataclass(frozen=True)
class Refusal:
    """What a request is answered with that is refused."""

    status: int
    code: str
    message: str
    retry_after: float | None


@dataclass(frozen=True)
class Closing:
    """The last word on a WebSocket (RFC 6455 section 5.5.1)."""

    code: int
    reason: str = ""


PING, PONG = "ping", "pong"


async def serve(hub: Hub, end: End) -> None:
    """Serve one connection."""
    with suppress(Cut):
        request = await end.receive()
        try:
            match request.kind:
                case "ws" | "sse":
                    await _Stream(hub, end, await hub.open(_opening(request))).run()
                case "poll":
                    end.put(await _while_there(end, _polled(hub, request)))
                case _:
                    end.put(await _while_there(end, _said(hub, request)))
        except Refused as refused:
            _refuse(end, request.kind, refused)
        except EndedMeanwhile as away:
            end.put(Answer(list(away.words), request.since or ""))
    end.close()


def _opening(request: Request) -> Opening:
    return Opening(
        request.identity,
        request.topics,
        request.kind,
        request.since,
        frozenset(request.fresh),
        connection_id=request.connection_id,
    )


def _refuse(end: End, kind: str, refused: Refused) -> None:
    if kind == "ws":  # a browser shows its page nothing of a refused one, so it is accepted, and told why
        end.put(message(Control.ERROR, at=0, data=refused.data()).json)
        end.put(Closing(Close.for_status(refused.status), refused.message))
    else:
        end.put(Refusal(refused.status, refused.code, refused.message, refused.retry_after))


async def _polled(hub: Hub, request: Request) -> Answer:
    opening = _opening(request)
    if request.connection_id:
        connection = await resume(hub, opening, _named(request))
    else:
        connection = await hub.open(opening)
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - what is served is served in a task
    hub.park_after(connection, task)
    messages, cursor = await connection.collect(request.wait)
    connection.count(len(messages), 0)
    return Answer([one.json for one in messages], cursor)


async def _said(hub: Hub, request: Request) -> Answer:
    return Answer(await perform_anywhere(hub, request.identity, _named(request), request.body, request.topics[0]))


def _named(request: Request) -> Named:
    return Named(request.connection_id, "", request.identity.user_id)


async def _while_there(end: End, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return the answer to a request. Where its client is gone before, end the work and raise Cut, as Quart does."""
    working, watching = asyncio.create_task(work, name="request"), asyncio.create_task(end.receive(), name="watch")
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Cut
        return working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


class _Stream:
    """A WebSocket or an event stream; the carrier of its pump."""

    comment: Message | None = None

    def __init__(self, hub: Hub, end: End, connection: Connection) -> None:
        self._hub = hub
        self._end = end
        self._connection = connection
        self._pings = connection.transport == "ws"
        self.heard_at = NEVER if self._pings else float("inf")

    async def run(self) -> None:
        """Serve it until it is over."""
        pumping = asyncio.create_task(Pump(self._hub, self._connection, self).run(), name="pump")
        listening = asyncio.create_task(self._listen(), name="listen")
        try:
            await asyncio.wait({pumping, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pumping, listening):
                task.cancel()
            await asyncio.gather(pumping, listening, return_exceptions=True)
            ending = self._connection.ending
            self._hub.closed(self._connection)
            if self._pings and ending is not None:
                self._end.put(Closing(ending.code, ending.reason))

    async def _listen(self) -> None:
        """Take what the client says, until it is gone."""
        clock = asyncio.get_running_loop().time
        try:
            while True:
                said = await self._end.receive()
                self.heard_at = max(self.heard_at, clock())
                if isinstance(said, Closing):
                    self._connection.peer_ended(said.code)
                    return
                if said == PONG:
                    self._connection.ponged()
                elif (rest := self._hub.receive(self._connection, said)) is not None:
                    await rest
        except Cut:
            self._connection.peer_ended(None)

    @property
    def gone(self) -> bool:
        """As of `liveness.Peer`."""
        return self._end.closed

    def send(self, batch: Batch) -> tuple[int, Awaitable[Any]]:
        """As of `pump.Carrier`."""
        size = 0
        for one in batch.messages:
            size += len(one.json)
            self._end.put(one.json, len(one.json))
        return size, self._room()

    async def _room(self) -> None:
        with suppress(Cut):
            await self._end.room()

    def ping(self) -> bool:
        """As of `liveness.Peer`."""
        if self._pings:
            self._connection.pinged()
            self._end.put(PING)
        return self._pings

    def drop(self) -> None:
        """As of `liveness.Peer`."""
        self._end.connection.cut()
