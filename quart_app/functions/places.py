"""The place of a reaction in the log: found when it begins, put right where the log is not what it was, and stored as
it moves."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Final, Protocol

from quart_app.functions.bounds import ENDING, PLACE_KEPT, RETRY_LEAST
from quart_app.functions.declaring import Declaration
from quart_app.realtime import Hub, Refused
from quart_app.wire import Cursor

logger = logging.getLogger(__name__)

_NAME_CHARACTERS: Final = 160  # as many as the columns hold


class Readers(Protocol):
    """Where the places of all reactions are kept; `storage.readers.StoredReaders` tells about each method."""

    async def begin(self, names: Collection[str], place: Cursor) -> None: ...

    async def place_of(self, name: str) -> Cursor | None: ...

    async def keep(self, name: str, place: Cursor) -> None: ...

    async def depths(self, first: int, last: int) -> Mapping[int, int]: ...


def reader_name(declaration: Declaration) -> str:
    """Return the name by which the place of a reaction is kept, and by which one process is its leader."""
    name = f"on {declaration.topic} {declaration.name}"
    return name if len(name) <= _NAME_CHARACTERS else f"on {blake2b(name.encode(), digest_size=16).hexdigest()}"


async def find_place(name: str, hub: Hub, readers: Readers) -> Cursor:
    """Return the place from which a reaction goes on: where it was, or the nearest one that there still is. A new one
    begins now."""
    await hub.catch_up()  # another process may have come further than this one has heard
    floor, head = await hub.log.floor(), hub.position
    kept = await readers.place_of(name)
    if kept is None:
        place = hub.log.cursor(head)
        await readers.begin([name], place)
        return place
    shared = hub.log.terms.shared(kept, head)
    if shared is None:
        logger.warning("%s: it was at %s, which is of another log: it begins now", name, kept)
    elif shared < kept.position:
        logger.warning("%s: it was at %s, and the log has lost what follows %d: it goes on there", name, kept, shared)
    elif shared < floor:
        logger.warning("%s: it was at %s, and events up to %d were removed: it goes on there", name, kept, floor)
    else:
        return kept
    place = hub.log.cursor(max(head if shared is None else shared, floor))
    await readers.keep(name, place)
    return place


class Bookmark:
    """A place that is stored soon after it has moved, at most once every `bounds.PLACE_KEPT` seconds."""

    def __init__(self, name: str, readers: Readers, place: Cursor) -> None:
        self._name = name
        self._readers = readers
        self._place = self._kept = place
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def move(self, place: Cursor) -> None:
        """Note that everything up to `place` is done."""
        self._place = place
        if place != self._kept and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._keep(), name=f"place: {self._name}")

    async def close(self) -> None:
        """Store the place at once, where that was not done, within `bounds.ENDING` seconds."""
        self._closing.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=ENDING)
            self._task.cancel()

    async def _keep(self) -> None:
        while (place := self._place) != self._kept:
            try:
                await self._readers.keep(self._name, place)
            except Exception as error:  # noqa: BLE001 - whatever it is: what was not noted is done again at worst
                if isinstance(error, Refused) and error.code == "not_leading":
                    return  # another process goes on from where it was told
                logger.warning("how far %s has come could not be stored: %s", self._name, error)
                if self._closing.is_set():
                    return
                await self._rest(RETRY_LEAST)
            else:
                self._kept = place
                await self._rest(PLACE_KEPT)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
