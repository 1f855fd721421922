"""The delivery of a connection's messages to a peer that can be written to at once: it takes no task."""

import asyncio
import logging

from quart_app.realtime.clients.connection import Connection
from quart_app.realtime.flow.audience import Write
from quart_app.realtime.messages.batch import Batch, Form
from quart_app.wire import Close

logger = logging.getLogger(__name__)


class Delivery:
    """The delivery of one connection's messages, by `write` in `form`, until the connection ends.

    While the connection waits at the head of its topics, the stream of their readers writes for it; what it has missed,
    and the first and last that it gets, is written here. A subclass says by `finish` what comes then. It is `over` when
    nothing more is written.
    """

    __slots__ = ("_full", "_looks", "_reading", "connection", "over")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._full = False
        self._looks = False
        self.over = False
        self._reading: asyncio.Task[None] | None = None

    def deliver(self, write: Write, form: Form) -> None:
        """Begin with what there is now."""
        self.connection.subscription.outlet.open(write, form)
        self._look()

    def stop(self) -> None:
        """Write nothing more: the peer is gone."""
        self.over = True
        self.connection.subscription.outlet.shut()
        if self._reading is not None:
            self._reading.cancel()

    def finish(self) -> None:
        """Act on the end of the connection, everything of which is written."""
        raise NotImplementedError

    def pause(self) -> None:
        """Write nothing more until `resume`, because the peer does not take what was written."""
        self._full = True
        # A write to a whole stream may be under way, which must not be left meanwhile.
        asyncio.get_running_loop().call_soon(self.connection.subscription.wake)

    def resume(self) -> None:
        """Go on."""
        self._full = False
        self._look_soon()

    def _wake(self, batch: Batch | None) -> None:
        self._look_soon()  # what this reader is handed is in memory, too

    def _look_soon(self) -> None:
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Write what there is, then wait for more."""
        self._looks = False
        try:
            self._write_what_there_is()
        except Exception:
            logger.exception("a connection could not be written to")
            self._fail()

    def _write_what_there_is(self) -> None:
        subscription = self.connection.subscription
        while not (self.over or self._full or self._reading or subscription.idle):
            if not subscription.outlet.writable:
                raise ConnectionError("an earlier write has failed")
            batch = subscription.take()
            if batch is not None:
                subscription.outlet.write(batch)
            elif subscription.in_log:
                self._reading = asyncio.create_task(self._read_log())
            elif self.connection.alive:
                subscription.wait(self._wake)
            else:
                self.over = True
                self.finish()

    async def _read_log(self) -> None:
        subscription = self.connection.subscription
        try:
            batch = await subscription.recall()
            if batch is not None:
                subscription.outlet.write(batch)
        except Exception:
            logger.exception("what a connection has missed could not be sent")
            self._fail()
        finally:
            self._reading = None
        self._look_soon()

    def _fail(self) -> None:
        """End the connection on an error of ours."""
        self.connection.end(Close.INTERNAL_ERROR, "something went wrong here")
        if not self.over:
            self.over = True
            self.finish()
