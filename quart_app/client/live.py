"""The client as its user sees it: connect, iterate, send, subscribe, status."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from quart_app.client.address import Address
from quart_app.client.endings import EndingKind
from quart_app.client.errors import ClientError, Closed
from quart_app.client.inbox import Inbox
from quart_app.client.links import Dialer
from quart_app.client.messages import Message, encode
from quart_app.client.options import TRANSPORTS, Options
from quart_app.client.outbox import Outbox, Pending
from quart_app.client.session import Session
from quart_app.client.status import State, Status
from quart_app.client.supervisor import Supervisor
from quart_app.client.topics import Topics, check_topic
from quart_app.client.transports import Network


def connect(  # noqa: PLR0913 - what a user may say, each by its name
    url: str,
    topics: Iterable[str],
    *,
    since: str | None = None,
    params: Mapping[str, object] | None = None,
    transports: Sequence[str] = TRANSPORTS,
    options: Options | None = None,
    dialer: Dialer | None = None,
) -> Live:
    """Return a client of the server at `url` for `topics`, to be used with `async with`.

    `since` is a cursor to replay from (`"0"`: everything retained; None: from now). `params` are `user_id`, `username`
    and `token`. `transports` are the rungs to use, best first. `dialer` opens the connections, by default over the
    network. Raise ValueError for an argument that makes no sense.
    """
    unknown = [name for name in transports if name not in TRANSPORTS]
    if unknown or not transports:
        raise ValueError(f"transports are {', '.join(TRANSPORTS)}, not {', '.join(unknown) or 'none'}")
    chosen = options or Options()
    outbox = Outbox(chosen.in_flight, chosen.repeat)
    session = Session(Topics(topics, known=since is not None), since, outbox, chosen.surroundings.token)
    address = Address.of(url, params)
    return Live(session, dialer or Network(address, chosen), tuple(transports), chosen)


class Live:
    """A stream of messages that survives its connections. Made by `connect`."""

    def __init__(self, session: Session, dialer: Dialer, transports: Sequence[str], options: Options) -> None:
        self._session = session
        self._options = options
        self._inbox = Inbox(options.inbox, options.inbox_while_sending, lambda: len(session.outbox) > 0)
        self._dialer = dialer
        self._supervisor = Supervisor(session, self._inbox, self._dialer, transports, options)
        self._slots = asyncio.Semaphore(options.outbox)
        self._running: asyncio.Task[None] | None = None
        self._closed: Closed | None = None
        self._leaving = False

    @property
    def status(self) -> Status:
        """The status of the connection now."""
        return self._supervisor.status

    async def __aenter__(self) -> Self:
        """Start connecting without waiting for the connection (`opened` waits)."""
        self._running = asyncio.create_task(self._run(), name="en vivo client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        """Return the next message of the server; heartbeats and the answers to `send` are left out.

        The iteration ends after `close`. Raise Closed when the server said stop, or its certificate was not
        trusted before the first connection.
        """
        try:
            return await self._inbox.get()
        except Closed:
            if self._leaving:
                raise StopAsyncIteration from None
            raise

    async def changed(self) -> Status:
        """Return the status at its next change."""
        await self._supervisor.changed()
        return self.status

    async def opened(self) -> Status:
        """Return the status as soon as the client is connected; raise Closed if that will never be."""
        while self.status.state is not State.CONNECTED:
            if self._closed is not None:
                raise self._closed
            await self._supervisor.changed()
        return self.status

    async def send(self, topic: str, message: Mapping[str, object]) -> Message:
        """Send a message to `topic`; return the server's acknowledgement.

        The message is repeated with the same `key` after a lost connection, so that it takes effect once. While
        `Options.outbox` messages are unacknowledged this call waits for a place. Raise SendRefused, SendStalled,
        Closed; TypeError for what JSON cannot hold; ValueError for a bad topic or a `key` already on its way.
        """
        complete: Message = {"key": self._session.new_key(), **message}
        encode(complete)
        async with self._slots:
            if self._closed is not None:
                raise self._closed
            outcome: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

            def done(result: Message | ClientError) -> None:
                if outcome.done():
                    return
                if isinstance(result, ClientError):
                    outcome.set_exception(result)
                else:
                    outcome.set_result(result)

            pending = Pending(str(complete["key"]), check_topic(topic), complete, done)
            self._session.outbox.add(pending)
            self._supervisor.wake()
            try:
                return await outcome
            finally:
                self._session.outbox.discard(pending.key)

    def subscribe(self, topic: str) -> None:
        """Follow one more topic; its welcome will come as a message, or an `error` that names the topic."""
        if self._session.topics.add(topic):
            self._supervisor.topics_changed()

    def unsubscribe(self, topic: str) -> None:
        """Follow a topic no more."""
        if self._session.topics.drop(topic):
            self._supervisor.topics_changed()

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON that the server's REST endpoint `path` (no leading slash) answers to the same speaker.

        Raise SendRefused for an error reply, Unreachable for no answer.
        """
        return await self._dialer.call(method, path, body)

    def interrupt(self) -> None:
        """Cut the connection as a failing network would; the client comes back by itself. For tests and self-tests."""
        self._supervisor.cut(EndingKind.FAILED, "interrupted on request")

    def step_down(self) -> None:
        """Leave the rung as if its heartbeats had stayed away. For tests and self-tests."""
        self._supervisor.cut(EndingKind.STALLED, "left on request")

    async def close(self) -> None:
        """Say goodbye to the server and end; messages already received can still be read."""
        self._leaving = True
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> None:
        closed = Closed(None, "closed by its user")
        try:
            ending = await self._supervisor.run()
            closed = Closed(ending.code, ending.seen)
        except Exception as error:
            closed = Closed(None, f"the client failed: {error!r}")
            raise
        finally:
            self._closed = closed
            self._session.outbox.refuse_all(closed)
            self._inbox.close(closed)
            self._supervisor.closed(closed.code)
