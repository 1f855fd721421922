"""The delivery of what a subscription brings to a peer that can be written to at once: it takes no task."""

import asyncio
import logging

from quart_app.realtime import limits
from quart_app.realtime.flow.audience import Write
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.messages.batch import Batch, Form
from quart_app.realtime.messages.refused import Refused

logger = logging.getLogger(__name__)


class Delivery:
    """The delivery of what one subscription brings, by `write` in `form`, until the subscription is closed.

    While the subscription waits at the head of its topics, the stream of their readers writes for it; what its reader
    has missed, and the first and last that it gets, is written here. A subclass says what comes then: by `finish` after
    all was written, by `break_off` where that could not be done. It is `over` when nothing more is written.
    """

    __slots__ = ("_full", "_looks", "_reading", "_recalled", "_subscription", "over")

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._full = False
        self._looks = False
        self._reading: asyncio.Task[None] | None = None
        self._recalled: Batch | None = None  # read from the log while the peer took nothing more
        self.over = False

    def deliver(self, write: Write, form: Form, first: bytes = b"") -> None:
        """Begin: write `first`, and what there is now."""
        self._subscription.outlet.open(write, form)
        batch = None if self._full else self._subscription.take()
        if batch is not None:
            self._subscription.outlet.write(batch, after=first)
        elif first:
            write(first)
        self._look()

    def stop(self) -> None:
        """Write nothing more: the peer is gone."""
        self.over = True
        self._subscription.outlet.shut()
        if self._reading is not None:
            self._reading.cancel()

    def finish(self) -> None:
        """Act on the end of the subscription, all of which was written."""
        raise NotImplementedError

    def break_off(self) -> None:
        """Act on an error of ours, after which nothing more can be written."""
        raise NotImplementedError

    def pause(self) -> None:
        """Write nothing more until `resume`, because the peer does not take what was written."""
        self._full = True
        self._subscription.wake()

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
            self._break_off()

    def _write_what_there_is(self) -> None:
        subscription = self._subscription
        while not (self.over or self._full or self._reading or subscription.idle):
            if not subscription.outlet.writable:
                raise ConnectionError("an earlier write has failed")
            recalled, self._recalled = self._recalled, None
            batch = recalled or subscription.take()
            if batch is not None:
                subscription.outlet.write(batch)
            elif subscription.in_log:
                self._reading = asyncio.create_task(self._read_log())
            elif subscription.closed:
                self.over = True
                self.finish()
            else:
                subscription.wait(self._wake)

    async def _read_log(self) -> None:
        subscription = self._subscription
        try:
            batch = await subscription.recall()
            if self._full:
                self._recalled = batch
            elif batch is not None:
                subscription.outlet.write(batch)
        except Refused:  # the log is away; who waits for it stays
            await asyncio.sleep(limits.RELAY_RETRY)
        except Exception:
            logger.exception("what a connection has missed could not be sent")
            self._break_off()
        finally:
            self._reading = None
        self._look_soon()

    def _break_off(self) -> None:
        if not self.over:
            self.over = True
            self.break_off()
