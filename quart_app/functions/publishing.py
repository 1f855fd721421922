"""`publish()`, and the publisher that checks what functions publish, counts it, and marks it with its depth.

The depth of a message is how many reactions led to it, one after another; so reactions that hear themselves end. This
file knows nothing of how functions are called.
"""

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from quart_app.functions.bounds import DEPTH, RATE, REMEMBERED
from quart_app.functions.declaring import Declaration, check_own_topic, check_own_type
from quart_app.realtime import Allowance, Event, Hub, Kind, Refused, encode, fields_json, too_deep
from quart_app.realtime.limits import INBOUND_MESSAGE_BYTES, JSON_DEPTH
from quart_app.storage.unit_of_work import Committer, UnitOfWork
from quart_app.surroundings import now

logger = logging.getLogger(__name__)


class OwnEvent(Event):
    """A signal or a value that a function published."""

    __slots__ = ("depth",)

    depth: int


@dataclass(frozen=True, slots=True)
class Calling:
    """The call that is under way: of which function, how deep, and where it publishes."""

    declaration: Declaration
    publisher: "FunctionPublisher"
    allowance: Allowance
    depth: int


calling: ContextVar[Calling | None] = ContextVar("calling", default=None)


def publish(topic: str, data: Any = None, *, type: str | None = None) -> Awaitable[str]:
    """Publish `data` (any JSON) into `topic`, from inside a function that is called.

    The message is of the function's `type` where none is given. It is on its way when this returns; await it to know
    that it is stored, and get the cursor. Raise ValueError for a topic or type that is not allowed, TypeError for what
    JSON cannot hold, RuntimeError outside a call, past the rate, and past the depth of reactions.
    """
    call = calling.get()
    if call is None:
        raise RuntimeError("publish() works inside a function that `envivo serve --functions` calls")
    check_own_topic(topic)
    kept = type if type is not None else call.declaration.answers_as
    check_own_type(kept)
    body = json_of(data)
    if call.depth >= DEPTH:
        raise RuntimeError(f"{DEPTH} reactions one after another led here: does this one hear itself?")
    if call.allowance.spend(time.monotonic()):
        raise RuntimeError(f"it publishes more than {RATE:.0f} messages a second")
    return call.publisher.post(call, topic, kept, body)


def json_of(data: Any) -> msgspec.Raw | None:
    """Return `data` as JSON, taken now; None for None. Raise TypeError and ValueError for what is no message."""
    if data is None:
        return None
    body = encode(data)
    if len(body) > INBOUND_MESSAGE_BYTES:
        raise ValueError(f"the data has {len(body)} bytes; a message has at most {INBOUND_MESSAGE_BYTES}")
    if too_deep(msgspec.json.decode(body)):
        raise ValueError(f"the data is nested deeper than {JSON_DEPTH} levels")
    return msgspec.Raw(body)


class FunctionPublisher:
    """The publisher for all functions; it is made on the event loop."""

    def __init__(self, hub: Hub, committer: Committer) -> None:
        self._hub = hub
        self._committer = committer
        self._loop = asyncio.get_running_loop()
        self._depths: OrderedDict[str, int] = OrderedDict()
        self._thread = threading.get_ident()
        self._under_way: set[object] = set()

    def depth_of(self, event: Event) -> int:
        """Return how many reactions led to `event`."""
        if isinstance(event, OwnEvent):
            return event.depth
        return self._depths.get(event.cursor or "", 0)

    def post(self, call: Calling, topic: str, type: str, body: msgspec.Raw | None) -> Awaitable[str]:
        """Send without waiting, and return what can be awaited; a failure is logged.

        On the event loop that is a task, in the thread of a plain function a `concurrent.futures.Future`.
        """
        sending = self.send(topic, type, body, call.depth)

        def done(sent: asyncio.Future[str] | concurrent.futures.Future[str]) -> None:
            self._under_way.discard(sent)
            if not sent.cancelled() and (error := sent.exception()) is not None:
                said = error.message if isinstance(error, Refused) else str(error)
                logger.error("%s could not publish into %s: %s", call.declaration.where, topic, said)

        if threading.get_ident() == self._thread:
            task = self._loop.create_task(sending)
            self._under_way.add(task)
            task.add_done_callback(done)
            return task
        future = asyncio.run_coroutine_threadsafe(sending, self._loop)
        future.add_done_callback(done)
        return cast("Awaitable[str]", future)

    async def send(self, topic: str, type: str, body: msgspec.Raw | None, depth: int = 0) -> str:
        """Publish what is checked, and return the cursor. Raise Refused."""
        fields = {} if body is None else {"data": body}
        if self._hub.channels.of(topic).kind is not Kind.DURABLE:
            event = OwnEvent(topic, type, fields_json(fields), now(), key=type)
            event.depth = depth
            self._hub.publish(event)
            return self._hub.cursor

        async def unit(work: UnitOfWork) -> str:
            return str(work.record(topic, type, body).cursor)

        return await self._committer.commit(unit, on_commit=lambda cursor: self._remember(cursor, depth))

    def _remember(self, cursor: str, depth: int) -> None:
        if depth:
            self._depths[cursor] = depth
            if len(self._depths) > REMEMBERED:
                self._depths.popitem(last=False)
