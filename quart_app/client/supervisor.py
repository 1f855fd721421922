"""The supervisor of a client's connections: it climbs the ladder, holds a connection, replaces it by a better one,
waits, and comes back.

It owns the state and the record of what was tried. The decisions are the ladder's, the messages the session's.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from quart_app.client.backoff import Backoff
from quart_app.client.conversation import Conversation, Lasting
from quart_app.client.endings import EndingKind, LinkEnded, LinkEnding
from quart_app.client.inbox import Inbox
from quart_app.client.ladder import Ladder
from quart_app.client.links import Dialer
from quart_app.client.opener import Candidate, Closer, Opened, Opener
from quart_app.client.options import MAX_WHY, PATIENCE_AT_CLOSE, Options
from quart_app.client.session import Session, refused_topic
from quart_app.client.status import Attempt, State, Status

logger = logging.getLogger(__name__)


class Supervisor:
    """The supervisor of one client's connections."""

    def __init__(
        self, session: Session, inbox: Inbox, dialer: Dialer, transports: Sequence[str], options: Options
    ) -> None:
        """Supervise connections by `transports`, the rungs, best first."""
        self._session = session
        self._inbox = inbox
        self._dialer = dialer
        self._options = options
        self._clock = options.surroundings.time
        self._ladder = Ladder(transports, options, options.surroundings.uniform)
        self._backoff = Backoff(options)
        self._closer = Closer()
        self._opener = Opener(dialer, self._closer, options)
        self._lasting = Lasting(session, inbox, asyncio.Event(), options, self._notify)
        self._conversation: Conversation | None = None
        self._candidate: Candidate | None = None
        self._topics_changed = asyncio.Event()
        self._state = State.CONNECTING
        self._transport = transports[0]
        self._why: deque[Attempt] = deque(maxlen=MAX_WHY)
        self._retry_at: float | None = None
        self._code: int | None = None
        self._trusted = False
        self._changed = asyncio.Event()

    @property
    def status(self) -> Status:
        """The status of the connection now."""
        bookmark = self._session.bookmark
        connected = self._state is State.CONNECTED
        return Status(
            state=self._state,
            transport=self._transport if self._state is not State.CLOSED else None,
            why=tuple(self._why),
            rtt=self._session.rtt if connected else None,
            id=bookmark.cursor,
            gaps=bookmark.gaps,
            repeats=bookmark.repeats,
            dropped=bookmark.dropped,
            retry_at=self._retry_at,
            code=self._code,
        )

    async def changed(self) -> None:
        """Return at the next change of the status."""
        await self._changed.wait()

    def wake(self) -> None:
        """Let the connection look for something to write."""
        self._lasting.wake.set()
        self._inbox.nudge()

    def topics_changed(self) -> None:
        """Let the connection carry the topics that are wanted now."""
        self._topics_changed.set()

    def cut(self, kind: EndingKind, seen: str) -> None:
        """End the present connection, if there is one, as if an ending of this `kind` had happened to it."""
        if self._conversation is not None:
            self._conversation.cut(LinkEnding(kind, seen))

    async def run(self) -> LinkEnding:
        """Keep connected until the client is stopped for good, and return that ending; or until cancelled."""
        try:
            while True:
                opened = await self._climb()
                ending = await self._hold(opened)
                if self._is_final(ending):
                    break
        except LinkEnded as error:
            ending = error.ending
        finally:
            await self._closer.drain(PATIENCE_AT_CLOSE)
            await self._dialer.close()
        return ending

    def closed(self, code: int | None) -> None:
        """Note that the client is closed, with the server's code if it was the server's word."""
        self._code = code
        self._enter(State.CLOSED)

    # Towards a connection

    async def _climb(self) -> Opened:
        """Return a connection on the first rung that comes through; raise LinkEnded with an ending that is final."""
        asked: list[float] = []
        while True:
            transport = self._ladder.next()
            if transport is None:
                self._ladder.exhausted()
                await self._pause(self._backoff.wait(max(asked, default=None)))
                asked.clear()
                continue
            self._transport = transport
            self._enter(State.CONNECTING)
            try:
                return await self._try(transport)
            except LinkEnded as error:
                ending = error.ending
            if self._is_final(ending):
                raise LinkEnded(ending)
            if ending.kind is EndingKind.FAILED:
                self._ladder.failed(transport)
                asked += [] if ending.retry_after is None else [ending.retry_after]
            else:
                # This is the trouble of the server or the network, and no rung is to blame.
                self._ladder.exhausted()
                await self._pause(self._backoff.wait(ending.retry_after))

    async def _try(self, transport: str) -> Opened:
        began = self._clock()
        try:
            opened = await self._opener.open(transport, self._session.request(transport))
        except LinkEnded as error:
            self._record(transport, error.ending.kind.value, error.ending.seen, self._clock() - began)
            raise
        self._record(transport, "opened", "first message", opened.took)
        self._trusted = True
        return opened

    def _is_final(self, ending: LinkEnding) -> bool:
        """Return whether the client does not come back after this ending.

        A certificate that cannot be verified is final until the first connection; later it is a portal's or a proxy's,
        which goes away.
        """
        return ending.kind is EndingKind.STOP or (ending.kind is EndingKind.UNTRUSTED and not self._trusted)

    # On a connection

    async def _hold(self, opened: Opened) -> LinkEnding:
        """Hold a connection and those that replace it; return how the last one ended, after the wait that it asks
        for."""
        while True:
            began = self._clock()
            following = await self._converse(opened)
            if isinstance(following, LinkEnding):
                break
            opened = following
        lived = self._clock() - began
        kind = "dropped" if following.kind is EndingKind.FAILED else following.kind.value
        self._record(opened.link.transport, kind, following.seen, lived)
        self._backoff.lived(lived)
        if not self._is_final(following) and not self._blames(opened.link.transport, following, lived):
            await self._pause(self._backoff.wait(following.retry_after))
        return following

    def _blames(self, transport: str, ending: LinkEnding, lived: float) -> bool:
        """Return whether the rung is to be left after this ending; an orderly end and a vanished server blame no
        rung."""
        if ending.kind is EndingKind.STALLED:
            self._ladder.stalled(transport, lived)
            return True
        return ending.kind is EndingKind.FAILED and self._ladder.dropped(transport, lived)

    async def _converse(self, opened: Opened) -> Opened | LinkEnding:
        """Use a connection until it ends or another one is ready; return its ending, or the other connection."""
        self._transport = opened.link.transport
        self._ladder.opened(self._transport, self._clock())
        self._session.begin(opened.request, opened.held)
        self._conversation = Conversation(opened.link, self._lasting)
        talking = asyncio.create_task(self._conversation.run(opened.first), name=f"converse {self._transport}")
        replacing = asyncio.create_task(self._replace(opened), name="replacement")
        self._enter(State.CONNECTED)
        orderly, adopted = True, None
        try:
            await asyncio.wait({talking, replacing}, return_when=asyncio.FIRST_COMPLETED)
            if self._candidate is not None:
                adopted = self._candidate
                return adopted.opened
            if replacing.done():
                replacing.result()
            ending = talking.result()
            orderly = ending.kind is EndingKind.LATER
            return ending
        except LinkEnded as error:
            return error.ending
        finally:
            self._conversation = None
            await _cancel(talking, replacing)
            candidate, self._candidate = self._candidate, None
            if candidate is not adopted and candidate is not None:
                self._closer.close(candidate.opened.link, orderly=False)
            self._closer.close(opened.link, orderly=orderly)

    async def _replace(self, current: Opened) -> None:
        """Return when there is a candidate to replace the current connection; tell the current one of other topics.

        Raise LinkEnded when the current one is of no use any more.
        """
        while self._candidate is None:
            self._topics_changed.clear()
            if self._session.outdated and current.link.takes_subscriptions:
                self._session.reconcile()
                self._lasting.wake.set()
            elif self._session.outdated:
                await self._reopen(current)
                continue
            probe = self._ladder.next_probe()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if probe is None else max(0.0, probe.at - self._clock())):
                    await self._topics_changed.wait()
            if probe is not None and self._clock() >= probe.at:
                await self._probe(probe.name)

    async def _reopen(self, current: Opened) -> None:
        """Open the same rung with the topics wanted now; give up the new topics where they are refused."""
        try:
            await self._prepare(current.link.transport)
        except LinkEnded as error:
            added = [topic for topic in self._session.topics.wanted if topic not in current.request.topics]
            if error.ending.kind is not EndingKind.STOP or not added:
                raise
            for topic in added:
                self._session.topics.forget(topic)
                self._inbox.put(refused_topic(topic, error.ending))

    async def _probe(self, transport: str) -> None:
        try:
            await self._prepare(transport)
        except LinkEnded:
            self._ladder.probe_failed(transport, self._clock())

    async def _prepare(self, transport: str) -> None:
        """Open a candidate, and keep it beside the current connection while that brings what is on its way."""
        self._session.overlap()
        self._candidate = candidate = Candidate(await self._try(transport))
        try:
            await candidate.read_on(self._options.overlap)
        except LinkEnded as error:
            self._candidate = None
            self._record(transport, "dropped", error.ending.seen, self._options.overlap)
            self._closer.close(candidate.opened.link, orderly=False)
            raise

    # What the user sees

    async def _pause(self, delay: float) -> None:
        if delay > 0:
            self._retry_at = self._options.surroundings.wall() / 1000 + delay
            self._enter(State.WAITING)
            await asyncio.sleep(delay)
            self._retry_at = None

    def _record(self, transport: str, outcome: str, seen: str, took: float) -> None:
        self._why.append(Attempt(transport, outcome, seen, took))

    def _enter(self, state: State) -> None:
        if state is not State.WAITING:
            self._retry_at = None
        if state is not self._state:
            logger.debug("%s -> %s", self._state, state)
        self._state = state
        self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if self._options.on_status is not None:
            self._options.on_status(self.status)


async def _cancel(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
