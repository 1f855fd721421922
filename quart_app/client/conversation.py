"""One connection in use: it reads into the inbox, writes from the outbox, pings, and watches the silence.

A conversation lasts from a connection's first message to its end, and returns that end. It must not know why a
connection was chosen or what follows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from quart_app.client.backoff import full_jitter
from quart_app.client.endings import EndingKind, LinkEnded, LinkEnding
from quart_app.client.errors import SendRefused, SendStalled
from quart_app.client.heartbeat import HeartbeatDeadline
from quart_app.client.inbox import Inbox
from quart_app.client.links import Arrival, Link, Postponed, RequestFailed, ServerFailed
from quart_app.client.messages import Message
from quart_app.client.options import MAX_FAILED_REQUESTS, Options
from quart_app.client.outbox import Pending
from quart_app.client.session import Session
from quart_app.wire import Close


@dataclass(frozen=True, slots=True)
class Lasting:
    """The parts that outlive a connection: its user's queues, and `wake`, which is set when there is something to
    write."""

    session: Session
    inbox: Inbox
    wake: asyncio.Event
    options: Options
    rtt_changed: Callable[[], None]


class Conversation:
    """The tasks around one connection."""

    def __init__(self, link: Link, lasting: Lasting) -> None:
        self._link = link
        self._session = lasting.session
        self._inbox = lasting.inbox
        self._wake = lasting.wake
        self._options = lasting.options
        self._clock = lasting.options.surroundings.time
        self._rtt_changed = lasting.rtt_changed
        self._deadline = HeartbeatDeadline(lasting.options.missed_heartbeats, link.quiet)
        self._failed_requests = 0
        self._setbacks = 0
        self._cut: asyncio.Future[LinkEnding] = asyncio.get_running_loop().create_future()

    def cut(self, ending: LinkEnding) -> None:
        """End the conversation as if `ending` had happened to the connection."""
        if not self._cut.done():
            self._cut.set_result(ending)

    async def run(self, first: Arrival) -> LinkEnding:
        """Use the connection until it ends, and return how it ended; `first` is what has been read from it already."""
        endings: list[LinkEnding] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(first))
                tasks.create_task(self._write())
                tasks.create_task(self._ping())
                tasks.create_task(self._wait_for_cut())
        except* LinkEnded as group:
            endings = [error.ending for error in group.exceptions if isinstance(error, LinkEnded)]
        ending = endings[0]
        if ending.code == Close.TOO_BIG:
            self._session.outbox.refuse_largest(SendRefused("too_big", ending.seen))
        return ending

    async def _read(self, arrival: Arrival) -> None:
        while True:
            for message in arrival.messages:
                await self._room()
                self._take(message)
            if arrival.cursor is not None:
                self._session.bookmark.advance(arrival.cursor)
            self._deadline.announced(self._session.heartbeat)
            self._deadline.listening(self._clock())
            try:
                async with asyncio.timeout(self._deadline.remaining(self._clock())):
                    arrival = await self._link.receive()
            except TimeoutError as error:
                raise LinkEnded(LinkEnding(EndingKind.STALLED, "the heartbeats stayed away")) from error

    async def _room(self) -> None:
        await self._inbox.room()
        if self._inbox.overfull:
            self._session.outbox.refuse_all(SendStalled("the received messages are not being read"))
            await self._inbox.room()

    def _take(self, message: Message) -> None:
        before = self._session.rtt
        delivered = self._session.receive(message, self._clock())
        if delivered is not None:
            self._inbox.put(delivered)
        elif self._session.rtt != before:
            self._rtt_changed()
        else:
            # Each acknowledgement makes room for the next message.
            self._wake.set()

    async def _write(self) -> None:
        while True:
            self._wake.clear()
            while self._session.controls:
                control = self._session.controls.popleft()
                await self._link.send(control["topic"], control)
            now = self._clock()
            pending = self._session.outbox.next(now)
            if pending is not None:
                await self._send(pending)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._session.outbox.due_in(now)):
                    await self._wake.wait()

    async def _send(self, pending: Pending) -> None:
        outbox = self._session.outbox
        try:
            replies = await self._link.send(pending.topic, pending.message)
        except SendRefused as error:
            outbox.refuse(pending.key, error)
            return
        except Postponed as error:
            outbox.postpone(pending.key, self._clock() + (error.retry_after or self._patience()))
            return
        except ServerFailed as error:
            outbox.fail(pending.key, self._clock(), SendRefused(error.code, error.message), self._patience())
            return
        except RequestFailed as error:
            self._failed_requests += 1
            if self._failed_requests >= MAX_FAILED_REQUESTS:
                raise LinkEnded(error.ending) from error
            outbox.postpone(pending.key, self._clock() + self._patience())
            return
        self._failed_requests = self._setbacks = 0
        if replies is None:
            return
        for reply in replies:
            self._take(reply)
        if outbox.unanswered(pending.key):
            outbox.refuse(pending.key, SendRefused("unacknowledged", "the server answered without an acknowledgement"))

    def _patience(self) -> float:
        """Return the seconds until a message is sent again; they grow with each failure in a row."""
        self._setbacks += 1
        options = self._options
        uniform = options.surroundings.uniform
        return full_jitter(self._setbacks, options.backoff_base, options.backoff_cap, uniform)

    async def _ping(self) -> None:
        while True:
            ping = self._session.ping(self._clock())
            # An unanswered ping is no reason to leave, because the stream itself tells whether it is alive.
            with suppress(SendRefused, Postponed, ServerFailed, RequestFailed):
                for reply in await self._link.send(self._session.topics.wanted[0], ping) or ():
                    self._take(reply)
            await asyncio.sleep(self._options.ping)

    async def _wait_for_cut(self) -> None:
        raise LinkEnded(await self._cut)
