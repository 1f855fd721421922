"""How a node stores: one change after another, each told as soon as it is committed, as the unit of work does it."""

import asyncio
from collections.abc import Callable
from typing import Any

from quart_app.lab.world.database import Database, RecordedLog
from quart_app.realtime import Event, Hub, leading


class Writer:
    """The one writer of a node."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self._turn = asyncio.Lock()

    async def commit(
        self,
        speaker: str,
        key: str | None,
        change: Callable[[RecordedLog], tuple[Any, list[Event]]],
        *,
        flush: bool = True,
    ) -> Any:
        """Make a change once, as `Database.commit` does, tell the hub, and return the answer. It is held to the lease
        that the present task works by."""
        async with self._turn:
            answer, events = await self._database.commit(speaker, key, change, flush=flush, work_of=leading.get())
            if events:
                self._hub.committed(events)
            return answer
