"""The loop that calls a function for each message of a topic, on one process of all, and goes on where it was.

It does not end before it is stopped, whatever its function does: a function that fails gets the same message twice
more, then the next one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping

import msgspec

from quart_app.functions.bounds import ENDING, PLACE_IDLE, REPEATS, RETRY_LEAST
from quart_app.functions.calling import Function
from quart_app.functions.places import Bookmark, Readers, find_place, reader_name
from quart_app.realtime import Batch, Event, Hub, Kind, Refused, Subscription
from quart_app.storage.readers import key_of
from quart_app.wire import Control, Cursor, is_open_topic

logger = logging.getLogger(__name__)


class Reaction:
    """A function that gets each message of a topic, while this process holds the lease for that.

    Durable events come from where the reaction was, in whichever process and however long ago; a new one begins now.
    Transient ones come from when it holds the lease. It is a subscriber like any other: it falls behind where it is
    slow, and of signals it is too slow for it loses the oldest. `function` may be replaced by a later one. `begins` is
    called whenever it begins to run here.
    """

    def __init__(self, function: Function, hub: Hub, readers: Readers, begins: Callable[[], object]) -> None:
        self.function = function
        self._topic = function.declaration.topic
        self._name = reader_name(function.declaration)
        self._hub = hub
        self._readers = readers
        self._begins = begins
        self._lease = hub.leases.want(self._name)
        self._stopping = False
        self._hearing = False
        self._task = asyncio.create_task(self._run(), name=f"on {function.declaration.where}")

    async def stop(self) -> None:
        """Stop, after the call that is under way where that ends soon."""
        self._stopping = True
        if self._hearing:
            await asyncio.wait([self._task], timeout=ENDING)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    async with self._lease.hold():
                        self._begins()
                        await self._react()
                except Exception as error:
                    if not self._lease.held:
                        logger.warning("%s has lost its lease, and waits for it", self._where)
                        continue
                    if isinstance(error, Refused):
                        logger.warning("%s cannot go on, and tries again: %s", self._where, error.message)
                    else:
                        logger.exception("%s cannot go on, and tries again", self._where)
                    await asyncio.sleep(RETRY_LEAST)
        finally:
            self._lease.give_up()

    async def _react(self) -> None:
        """React until there is something wrong with the place in the log."""
        if self._hub.channels.of(self._topic).kind is not Kind.DURABLE:
            with contextlib.closing(self._hub.follow(self._topic)) as subscription:
                return await self._follow(subscription, None)
        place = await find_place(self._name, self._hub, self._readers)
        bookmark = Bookmark(self._name, self._readers, place)
        try:
            with contextlib.closing(self._hub.follow(self._topic, place.position)) as subscription:
                await self._follow(subscription, bookmark)
        finally:
            await bookmark.close()

    async def _follow(self, subscription: Subscription, bookmark: Bookmark | None) -> None:
        while (batch := await self._next_batch(subscription, bookmark)) is not None:
            depths = await self._depths(batch)
            for message in batch.messages:
                if isinstance(message, Event):
                    heard = await self._hear(message, max(message.depth, depths.get(message.position, 0)) + 1)
                    if heard and bookmark is not None and message.cursor is not None:
                        bookmark.move(Cursor.parse(message.cursor))
                    if self._stopping:
                        return
                else:
                    told = msgspec.json.decode(message.json)
                    logger.warning("%s missed messages: %s %s", self._where, told["type"], told.get("data"))
                    if told["type"] == Control.RESET:
                        return
            await asyncio.sleep(0)  # however much there is to catch up on, others get the loop in between

    async def _next_batch(self, subscription: Subscription, bookmark: Bookmark | None) -> Batch | None:
        """Return what comes next. While that takes long, let the place move on past the events of other topics."""
        while bookmark is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PLACE_IDLE):
                    return await subscription.read()
            bookmark.move(subscription.cursor)
        return await subscription.read()

    async def _depths(self, batch: Batch) -> Mapping[int, int]:
        """Return the depths of the durable events of a batch that have one."""
        positions = [one.position for one in batch.messages if isinstance(one, Event) and one.position]
        if not positions or not is_open_topic(self._topic):
            return {}
        return await self._readers.depths(positions[0], positions[-1])

    async def _hear(self, event: Event, depth: int) -> bool:
        """Call the function with an event, and again where it fails; return whether that is done."""
        cause = None if event.cursor is None else key_of(self._name, Cursor.parse(event.cursor))
        for rest in (*REPEATS, None):
            function = self.function
            if function.declaration.type not in {None, event.type}:
                return True
            self._hearing = True
            try:
                await function.call(msgspec.json.decode(event.json), depth=depth, cause=cause)
            except Exception as error:  # noqa: BLE001 - whatever a function of somebody's own raises
                function.failed(error)
            else:
                function.worked()
                return True
            finally:
                self._hearing = False
            if self._stopping:
                return False
            if rest is not None:
                await asyncio.sleep(rest)
        return True

    @property
    def _where(self) -> str:
        return self.function.declaration.where
