"""The relay takes events from the log to the bus in position order, whatever order the wake-ups come in.

A wake-up that is not the next position, or that was lost, costs one read of the log, never an
event. Where other processes write the log as well, its head is looked at from time to time, because one may end
between its commit and the news of it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from quart_app.realtime import limits
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.log import EventLog, Trimmed
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.refused import Refused

logger = logging.getLogger(__name__)


class Relay:
    """The relay from `log` to `bus`. For `patience` (s) events wait for those before them, which another process has
    committed; then the log is read."""

    def __init__(self, log: EventLog, bus: Bus, patience: float = 0.0) -> None:
        self._log = log
        self._bus = bus
        self._patience = patience
        self._position = bus.position
        self._reading: asyncio.Task[None] | None = None
        self._polling: asyncio.Task[None] | None = None
        self._woken = False
        self._ahead: dict[int, Sequence[Event]] = {}
        self._hole: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Stand at the head of the log."""
        self._position = await self._log.head()
        self._bus.skip_to(self._position)

    def poll(self, every: Callable[[], float]) -> None:
        """Look at the head of the log, too, whenever `every()` seconds have passed."""
        self._polling = asyncio.create_task(self._poll(every), name="head poll")

    async def stop(self) -> None:
        self._fill_hole()
        tasks = [task for task in (self._reading, self._polling) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def take(self, events: Sequence[Event]) -> None:
        """Take events that were just committed, by whatever process."""
        if not events:
            return
        first, last = events[0].position, events[-1].position
        if not self._log.goes_on(events[-1]):
            self._look()  # the term begins, or the log has lost what was above the position at which it does
        elif first == self._position + 1:
            self._position = last
            self._log.seen(last)
            self._bus.publish(events)
            if self._ahead:
                self._close_up()
        elif last > self._position:
            self._wait_for_hole(events)

    def _wait_for_hole(self, events: Sequence[Event]) -> None:
        """Keep events until those before them have come, for a little while."""
        self._ahead[events[0].position] = events
        if events[0].position <= self._position:
            self._close_up()
        elif not self._patience or len(self._ahead) > limits.RELAY_AHEAD:
            self._read_hole()
        elif self._hole is None:
            self._hole = asyncio.get_running_loop().call_later(self._patience, self._read_hole)

    def _close_up(self) -> None:
        """Go on with what has come before its turn."""
        while self._ahead and (first := min(self._ahead)) <= self._position + 1:
            events = self._ahead.pop(first)[self._position + 1 - first :]
            if events:
                self._position = events[-1].position
                self._log.seen(self._position)
                self._bus.publish(events)
        if not self._ahead:
            self._fill_hole()

    def _fill_hole(self) -> None:
        self._ahead.clear()
        if self._hole is not None:
            self._hole.cancel()
            self._hole = None

    def _read_hole(self) -> None:
        last = max(events[-1].position for events in self._ahead.values())
        self._fill_hole()
        self.wake(last)

    def go_back(self, position: int) -> None:
        """Go on from `position`: the log has lost what was above it, and other events will stand there."""
        self._fill_hole()
        self._position = position
        self._bus.skip_to(position)

    def wake(self, position: int) -> None:
        """Note that the log has grown to `position`, by whatever process."""
        if position > self._position:
            self._look()

    def _look(self) -> None:
        self._woken = True
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._follow(), name="relay")

    async def _poll(self, every: Callable[[], float]) -> None:
        while True:
            await asyncio.sleep(every())
            try:
                self.wake(await self._log.head())
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                await _pause_after(error)

    async def _follow(self) -> None:
        """Catch up as long as there is news; a log that cannot be read is tried again."""
        while self._woken:
            # Before the look at the log: who wakes during it may have come too late for it.
            self._woken = False
            try:
                await self.catch_up()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                self._woken = True
                await _pause_after(error)

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
        self._close_up()
        self._bus.flush()


async def _pause_after(error: Exception) -> None:
    """Tell why the log could not be read, with a traceback where nobody has foreseen it, and wait a little."""
    if isinstance(error, Refused):
        logger.warning("the log cannot be read, and is tried again: %s", error.args[0])
    else:
        logger.error("the log cannot be read, and is tried again", exc_info=error)
    await asyncio.sleep(limits.RELAY_RETRY)
