"""Keeps a client connected: climbs the ladder, holds a connection, replaces it by a better one, waits, comes back.

Owns the state and the record of what was tried. The decisions are the ladder's, the messages the session's.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from quart_app.client.conversation import Conversation, Traffic
from quart_app.client.endings import FINAL, Ending, Kind, LinkEnded
from quart_app.client.inbox import Inbox
from quart_app.client.ladder import Ladder
from quart_app.client.opening import Closer, Opened, Opener
from quart_app.client.options import Options
from quart_app.client.session import Session, refused_topic
from quart_app.client.status import Attempt, State, Status
from quart_app.client.transports import Dialer

log = logging.getLogger(__name__)

REMEMBERED_ATTEMPTS = 30
PATIENCE_AT_CLOSE = 3.0
"""Seconds given to open connections to say goodbye."""


class Supervisor:
    """The life of one client's connections."""

    def __init__(
        self, session: Session, inbox: Inbox, dialer: Dialer, transports: Sequence[str], options: Options
    ) -> None:
        """`transports` are the rungs, best first."""
        self._session = session
        self._inbox = inbox
        self._dialer = dialer
        self._options = options
        self._ladder = Ladder(transports, options, random.uniform)
        self._closer = Closer()
        self._opener = Opener(dialer, self._closer, options, time.monotonic)
        self._traffic = Traffic(session, inbox, asyncio.Event(), options, self._notify)
        self._conversation: Conversation | None = None
        self._topics_changed = asyncio.Event()
        self._state = State.CONNECTING
        self._why: deque[Attempt] = deque(maxlen=REMEMBERED_ATTEMPTS)
        self._retry_at: float | None = None
        self._code: int | None = None
        self._changed = asyncio.Event()

    @property
    def status(self) -> Status:
        """The connection as it is now."""
        ledger = self._session.ledger
        connected = self._state is State.CONNECTED
        return Status(
            state=self._state,
            transport=self._ladder.rung if self._state is not State.CLOSED else None,
            why=tuple(self._why),
            rtt=self._session.rtt if connected else None,
            id=ledger.cursor,
            gaps=ledger.gaps,
            repeats=ledger.repeats,
            dropped=ledger.dropped,
            retry_at=self._retry_at,
            code=self._code,
        )

    async def changed(self) -> None:
        """Returns at the next change of the status."""
        await self._changed.wait()

    def wake(self) -> None:
        """There is something to write."""
        self._traffic.wake.set()
        self._inbox.nudge()

    def topics_changed(self) -> None:
        """Other topics are wanted."""
        self._topics_changed.set()

    def cut(self, kind: Kind, seen: str) -> None:
        """Ends the present connection, if there is one, as if this had happened to it."""
        if self._conversation is not None:
            self._conversation.cut(Ending(kind, seen))

    async def run(self) -> Ending:
        """Returns the ending that stopped the client for good (one of FINAL); runs until then or until cancelled."""
        try:
            while True:
                opened = await self._climb()
                ending = await self._hold(opened)
                if ending.kind in FINAL:
                    break
                await self._pause(self._ladder.ended(ending, time.monotonic()))
        except LinkEnded as error:
            ending = error.ending
        finally:
            await self._closer.drain(PATIENCE_AT_CLOSE)
            await self._dialer.close()
        return ending

    def closed(self, code: int | None) -> None:
        """The client is closed, with the server's code if it was the server's word."""
        self._code = code
        self._enter(State.CLOSED)

    async def _climb(self) -> Opened:
        while True:
            self._enter(State.CONNECTING)
            try:
                opened = await self._try(self._ladder.rung)
            except LinkEnded as error:
                if error.ending.kind in FINAL:
                    raise
                await self._pause(self._ladder.ended(error.ending, time.monotonic()))
            else:
                self._ladder.opened(time.monotonic())
                return opened

    async def _try(self, transport: str) -> Opened:
        began = time.monotonic()
        try:
            opened = await self._opener.open(transport, self._session.opening())
        except LinkEnded as error:
            self._record(transport, error.ending.kind.value, error.ending.seen, time.monotonic() - began)
            raise
        self._record(transport, "opened", "first message", opened.took)
        return opened

    async def _hold(self, opened: Opened) -> Ending:
        while True:
            began = time.monotonic()
            following = await self._converse(opened)
            if isinstance(following, Ending):
                lasted = time.monotonic() - began
                self._record(opened.link.transport, following.kind.value, following.seen, lasted)
                return following
            opened = following

    async def _converse(self, opened: Opened) -> Opened | Ending:
        """Uses a connection until it ends, or until another one is ready to take its place."""
        self._session.begin(opened.opening)
        self._conversation = Conversation(opened.link, self._traffic)
        talking = asyncio.create_task(self._conversation.run(opened.first), name=f"converse {opened.link.transport}")
        replacing = asyncio.create_task(self._replacement(opened), name="replacement")
        self._enter(State.CONNECTED)
        orderly = True
        try:
            await asyncio.wait({talking, replacing}, return_when=asyncio.FIRST_COMPLETED)
            if replacing.done():
                return replacing.result()
            ending = talking.result()
            orderly = ending.kind is Kind.LATER
            return ending
        except LinkEnded as error:
            return error.ending
        finally:
            self._conversation = None
            handed_over = replacing.done()
            await _cancel(talking, replacing)
            if not handed_over:
                self._discard(replacing)
            self._closer.close(opened.link, orderly=orderly)

    def _discard(self, replacing: asyncio.Task[Opened]) -> None:
        # A candidate may have come through in the very moment in which it was not wanted any more.
        if not replacing.cancelled() and replacing.exception() is None:
            self._closer.close(replacing.result().link, orderly=False)

    async def _replacement(self, current: Opened) -> Opened:
        """Returns the connection that is to replace the current one; tells the current one of other topics."""
        while True:
            self._topics_changed.clear()
            if self._session.outdated and current.link.takes_subscriptions:
                self._session.reconcile()
                self._traffic.wake.set()
            elif self._session.outdated:
                reopened = await self._reopen(current)
                if reopened is not None:
                    return reopened
                continue
            due = self._ladder.upgrade_at
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - time.monotonic())):
                    await self._topics_changed.wait()
            if due is not None and time.monotonic() >= due:
                better = await self._upgrade()
                if better is not None:
                    return better

    async def _reopen(self, current: Opened) -> Opened | None:
        """Opens the same rung with the topics wanted now; None if the new ones were refused and given up."""
        try:
            return await self._try(current.link.transport)
        except LinkEnded as error:
            added = [topic for topic in self._session.topics.wanted if topic not in current.opening.topics]
            if error.ending.kind is not Kind.REFUSED or not added:
                raise
            for topic in added:
                self._session.topics.forget(topic)
                self._inbox.put(refused_topic(topic, error.ending))
            return None

    async def _upgrade(self) -> Opened | None:
        for transport in self._ladder.better:
            try:
                opened = await self._try(transport)
            except LinkEnded:
                continue
            self._ladder.upgraded(transport, time.monotonic())
            return opened
        self._ladder.upgrade_failed(time.monotonic())
        return None

    async def _pause(self, delay: float) -> None:
        if delay > 0:
            self._retry_at = time.time() + delay
            self._enter(State.WAITING)
            await asyncio.sleep(delay)
            self._retry_at = None

    def _record(self, transport: str, outcome: str, seen: str, took: float) -> None:
        self._why.append(Attempt(transport, outcome, seen, took))

    def _enter(self, state: State) -> None:
        if state is not State.WAITING:
            self._retry_at = None
        if state is not self._state:
            log.debug("%s -> %s", self._state, state)
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
