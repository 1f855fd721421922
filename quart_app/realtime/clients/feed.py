"""A producer that runs only while somebody listens to its topic, and in one process only."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from quart_app.realtime import limits
from quart_app.realtime.clients.leases import NO_LEASE, Lease

logger = logging.getLogger(__name__)


class Feed:
    """A caller of `produce` every `every` seconds, from the first subscriber of `topic` until a little after the last.

    A failure is logged, and `produce` is tried again. Of several processes with subscribers one produces for all.
    """

    def __init__(self, topic: str, every: float, produce: Callable[[], Awaitable[None]]) -> None:
        self.topic = topic
        self._every = every
        self._produce = produce
        self.want: Callable[[str], Lease] = lambda name: NO_LEASE
        """Set by whoever runs it: it gives the lease to work by."""
        self._task: asyncio.Task[None] | None = None
        self._stopping: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        return self._task is not None

    def demand(self, wanted: bool) -> None:
        """Note that somebody listens, or that nobody does any more."""
        if self._stopping is not None:
            self._stopping.cancel()
            self._stopping = None
        if not wanted:
            loop = asyncio.get_running_loop()
            self._stopping = loop.call_later(limits.FEED_LINGER, self.stop)
        elif self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"feed {self.topic}")

    def stop(self) -> None:
        if self._stopping is not None:
            self._stopping.cancel()
            self._stopping = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        lease = self.want(f"feed {self.topic}")
        try:
            await self._produce_by(lease)
        finally:
            lease.give_up()

    async def _produce_by(self, lease: Lease) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                async with lease.hold():
                    await self._produce()
            except Exception:
                if not lease.held:  # that was the end of it, and no failure
                    continue
                logger.exception("feed %s failed", self.topic)
                due = max(due, loop.time() + limits.FEED_RETRY - self._every)
            due = max(due + self._every, loop.time())
            await asyncio.sleep(due - loop.time())


class Feeds:
    """The feeds of a program, one a topic. `is_followed(topic)` tells whether somebody listens; `want` gives the lease
    by which one of several processes produces."""

    def __init__(self, is_followed: Callable[[str], bool], want: Callable[[str], Lease]) -> None:
        self._want = want
        self._is_followed = is_followed
        self._feeds: dict[str, Feed] = {}
        self.draining = False

    def add(self, feed: Feed) -> None:
        """Run a feed from now on while its topic is followed."""
        feed.want = self._want
        self._feeds[feed.topic] = feed
        if self._is_followed(feed.topic):
            feed.demand(True)

    def remove(self, topic: str) -> None:
        """Stop the feed of a topic, if there is one, for good."""
        if feed := self._feeds.pop(topic, None):
            feed.stop()

    def demand(self, topic: str, wanted: bool) -> None:
        """Note that a topic has got its first follower, or lost its last; while draining nothing is started or
        stopped."""
        if topic in self._feeds and not self.draining:
            self._feeds[topic].demand(wanted)

    def stop(self) -> None:
        """Stop all feeds."""
        for feed in self._feeds.values():
            feed.stop()
