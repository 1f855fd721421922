"""The relay takes events from the log to the bus in position order, whatever order the wake-ups come in.

A wake-up that is not the next position, or that was lost, costs one read of the log, never an
event.
"""

import asyncio
import logging
from collections.abc import Sequence

from quart_app.realtime import limits
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.log import EventLog, Trimmed
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.refused import Refused

logger = logging.getLogger(__name__)


class Relay:
    def __init__(self, log: EventLog, bus: Bus) -> None:
        self._log = log
        self._bus = bus
        self._position = bus.position
        self._reading: asyncio.Task[None] | None = None
        self._woken = False

    async def start(self) -> None:
        """Stand at the head of the log."""
        self._position = await self._log.head()
        self._bus.skip_to(self._position)

    async def stop(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def take(self, events: Sequence[Event]) -> None:
        """Take events of this process, right after their commit."""
        if not events:
            return
        if events[0].position == self._position + 1:
            self._position = events[-1].position
            self._bus.publish(events)
        else:
            self.wake(events[-1].position)

    def go_back(self, position: int) -> None:
        """Go on from `position`: the log has lost what was above it, and other events will stand there."""
        self._position = position
        self._bus.skip_to(position)

    def wake(self, position: int) -> None:
        """Note that the log has grown to `position`, by whatever process."""
        if position > self._position:
            self._woken = True
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._follow(), name="relay")

    async def _follow(self) -> None:
        """Catch up as long as there is news; a log that cannot be read is tried again."""
        while self._woken:
            # Before the look at the log: who wakes during it may have come too late for it.
            self._woken = False
            try:
                await self.catch_up()
            except Refused as away:
                logger.warning("the log cannot be read, and is tried again: %s", away.args[0])
                self._woken = True
                await asyncio.sleep(limits.RELAY_RETRY)
            except Exception:
                logger.exception("the log cannot be read, and is tried again in %s s", limits.RELAY_RETRY)
                self._woken = True
                await asyncio.sleep(limits.RELAY_RETRY)

    async def catch_up(self) -> None:
        """Bring the bus to the head of the log; it is flushed when this returns."""
        while (head := await self._log.head()) > self._position:
            try:
                events = await self._log.read(None, self._position, head, limits.LOG_READ_EVENTS)
            except Trimmed as trimmed:
                logger.warning("events up to %d were trimmed unread", trimmed.floor)
                self._position = max(self._position, trimmed.floor)
                self._bus.skip_to(self._position)
                continue
            for event in events:
                if event.position > self._position:
                    self._position = event.position
                    self._bus.publish([event])
        self._bus.flush()
