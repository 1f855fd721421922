"""`publish()`, and the publisher that checks what functions publish, counts it, and marks it with its depth.

The depth of a message is how many reactions led to it, one after another; so reactions that hear themselves end. This
file knows nothing of how functions are called.

What a function stores because of one message, or of one command with a key, has a key of its own: should it be called
again for the same, that is not stored again.
"""

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections import Counter
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from quart_app.functions.bounds import DEPTH, RATE
from quart_app.functions.declaring import Declaration, check_own_topic, check_own_type
from quart_app.realtime import (
    Allowance,
    Hub,
    Kind,
    ReactionEvent,
    Refused,
    encode,
    fields_json,
    leading,
    not_leading,
    too_deep,
)
from quart_app.realtime.limits import INBOUND_MESSAGE_BYTES, JSON_DEPTH
from quart_app.storage.idempotency import IdempotencyKey, fingerprint
from quart_app.storage.readers import note_depth
from quart_app.storage.unit_of_work import Append, Committer, UnitOfWork
from quart_app.surroundings import now

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Calling:
    """The call that is under way: of which function, how deep, and where it publishes. `cause` is the key of what it is
    called for, None where it is called for that once only."""

    declaration: Declaration
    publisher: "FunctionPublisher"
    allowance: Allowance
    depth: int
    cause: IdempotencyKey | None
    _published: Counter[tuple[str, str]] = field(default_factory=Counter)

    def key(self, topic: str, type: str) -> IdempotencyKey | None:
        """Return the key of what the call publishes next with this topic and type."""
        if self.cause is None:
            return None
        self._published[topic, type] += 1
        one = fingerprint((topic, type, self._published[topic, type]))
        return IdempotencyKey(self.cause.scope, f"{self.cause.key} {one}")


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
        self._thread = threading.get_ident()
        self._under_way: set[object] = set()

    def post(self, call: Calling, topic: str, type: str, body: msgspec.Raw | None) -> Awaitable[str]:
        """Send without waiting, and return what can be awaited; a failure is logged.

        On the event loop that is a task, in the thread of a plain function a `concurrent.futures.Future`.
        """
        sending = self.send(topic, type, body, call.depth, call.key(topic, type))

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

    async def send(
        self, topic: str, type: str, body: msgspec.Raw | None, depth: int = 0, key: IdempotencyKey | None = None
    ) -> str:
        """Publish what is checked, and return the cursor; what is stored with a `key` is stored once. Raise Refused."""
        if self._hub.channels.of(topic).kind is Kind.DURABLE:
            return await self._store(topic, type, body, depth, key)
        if not self._hub.leases.allows(leading.get()):
            raise not_leading()
        fields = {} if body is None else {"data": body}
        event = ReactionEvent(topic, type, fields_json(fields), now(), key=type)
        event.depth = depth
        self._hub.publish(event)
        return self._hub.cursor

    async def _store(
        self, topic: str, type: str, body: msgspec.Raw | None, depth: int, key: IdempotencyKey | None
    ) -> str:
        def unit(work: UnitOfWork) -> str:
            event = work.record(topic, type, body)
            if depth:
                note_depth(work, event.position, depth)
            return str(event.cursor)

        return await self._committer.commit(Append(unit), key=key)
