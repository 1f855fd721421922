"""Hypercorn's side of a TCP connection, without what no request needs: what a request does not pay below ASGI.

Hypercorn (0.18) makes and cancels tasks to time the pause between two requests; here one task watches over all
connections that pause. `serve_tidily` puts this and its neighbours in the place of Hypercorn's own: `inbox`, by
which nobody waits for a request that is there already, `http1`, by which an answer is written in one piece, and `http2`
and `websocket`, by which one peer costs the others little. Where another release serves, nothing of this is used.
"""

import asyncio
import contextlib
import logging
from typing import Any, Final
from weakref import WeakKeyDictionary

from quart_app.transports.below.http1 import TidyH11
from quart_app.transports.below.http2 import HeldBuffer, TidyH2
from quart_app.transports.below.hypercorn_018 import (
    LACKING,
    AsyncioSingleTask,
    Closed,
    ProtocolWrapper,
    RawData,
    TCPServer,
    Updated,
    WorkerContext,
    h2_serving,
    h11_serving,
    protocols,
    running,
    tcp_serving,
)
from quart_app.transports.below.inbox import TidyTaskGroup
from quart_app.transports.below.websocket import TidyWebsocket

_AT_ONCE: Final = 65_536  # bytes

logger = logging.getLogger(__name__)


class _IdleWatch:
    """The watch over all connections of a server that are between two requests.

    Each has the same time (s), so that they stand in the order in which it will be over.
    """

    def __init__(self, context: WorkerContext, patience: float) -> None:
        self._terminated = context.terminated
        self._patience = patience
        self._since: dict[TidyTCPServer, float] = {}
        self._now = asyncio.get_running_loop().time
        self._task = asyncio.create_task(self._run(), name="idle connections")

    def begin(self, server: "TidyTCPServer") -> None:
        self._since.pop(server, None)
        self._since[server] = self._now()
        if self._task.done():
            self._task = asyncio.create_task(self._run())  # the server ends: so does this connection, at once

    def end(self, server: "TidyTCPServer") -> None:
        self._since.pop(server, None)

    async def _run(self) -> None:
        while not self._terminated.is_set():
            oldest = next(iter(self._since.values()), self._now())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(oldest + self._patience):
                    await self._terminated.wait()
            await self._close(self._now() - self._patience)
        await self._close(self._now())

    async def _close(self, before: float) -> None:
        """Close the connections that have been idle since `before`, or for longer."""
        while self._since and next(iter(self._since.values())) <= before:
            server = next(iter(self._since))
            self.end(server)
            try:
                await server.leave()
            except Exception:
                logger.exception("an idle connection was not closed in order")


_watches: WeakKeyDictionary[WorkerContext, _IdleWatch] = WeakKeyDictionary()


class _IdleTime(AsyncioSingleTask):
    """The idle timer of one connection, in the place of Hypercorn's, which makes a task for each pause."""

    def __init__(self, server: "TidyTCPServer", watch: _IdleWatch) -> None:
        self._server: TidyTCPServer | None = server
        self._watch = watch

    async def restart(self, _task_group: Any, _action: Any) -> None:
        """Count the idle time from now on."""
        if self._server is not None:
            self._watch.begin(self._server)

    async def stop(self) -> None:
        """Count no idle time for now."""
        if self._server is not None:
            self._watch.end(self._server)

    async def finish(self) -> None:
        """Count none any more: there is no next request to wait for."""
        await self.stop()
        self._server = None


class _Over(ProtocolWrapper):
    """A stand-in for the protocol of a connection that is over, for whoever still tries to send on it."""

    def __init__(self) -> None:
        """Begin nothing."""

    async def handle(self, event: Any) -> None:
        """Do nothing."""


_OVER: Final = _Over()


class TidyTCPServer(TCPServer):
    """Hypercorn's side of one TCP connection, which ends sooner and frees its memory sooner than Hypercorn's own.

    It ends with its peer's side, where Hypercorn would wait for the rest of the keep-alive time. At its end it drops
    the reference to its protocol, which refers back to it: otherwise about a hundred objects in a cycle would wait for
    the garbage collector, which would take a second when a crowd has left.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        watch = _watches.get(self.context)
        if watch is None:
            watch = _watches[self.context] = _IdleWatch(self.context, self.config.keep_alive_timeout)
        self.idle_task = self._idle_time = _IdleTime(self, watch)

    async def run(self) -> None:
        try:
            await super().run()
        except OSError:
            pass  # the peer is lost, in one of the ways that Hypercorn does not expect when it closes
        except Exception as error:
            # In one line: whoever finds the way to such an error could fill the log with it.
            logger.warning("a connection was ended, as its peer was not understood: %r", _first(error))
            logger.debug("not understood", exc_info=True)
        finally:
            await self._idle_time.finish()
            self.protocol = _OVER

    async def leave(self) -> None:
        """Close the connection, which is idle."""
        if isinstance(inner := getattr(self.protocol, "protocol", None), TidyH2):
            await inner.leave()
        await self._initiate_server_close()

    async def protocol_send(self, event: Any) -> None:
        """Send what there is to send, or note whether the connection is idle."""
        if type(event) is not Updated:
            if type(event) is RawData and self.writer.transport.is_closing():
                event = Closed()  # each byte that nobody gets would be told in the log
            await super().protocol_send(event)
        elif event.idle:
            await self._idle_time.restart(None, None)
        else:
            await self._idle_time.stop()

    async def _read_data(self) -> None:
        """Read to the end of the peer's side: an answer that is complete after that is the last one."""
        if self.config.read_timeout is None:
            await self._read_without_haste()
        else:
            await super()._read_data()
        await self._idle_time.finish()

    async def _read_without_haste(self) -> None:
        """Read as Hypercorn does, with nothing around it that limits the time."""
        while not self.reader.at_eof():
            try:
                data = await self.reader.read(_AT_ONCE)
            except OSError:
                break
            await self.protocol.handle(RawData(data))
        await self.protocol.handle(Closed())


def _first(error: BaseException) -> BaseException:
    """Return the first of the errors in a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


INSTEAD: Final = (
    (running, "TCPServer", TidyTCPServer),
    (tcp_serving, "TaskGroup", TidyTaskGroup),
    (protocols, "H11Protocol", TidyH11),
    (protocols, "H2Protocol", TidyH2),
    (h2_serving, "StreamBuffer", HeldBuffer),
    (h2_serving, "WSStream", TidyWebsocket),
    (h11_serving, "WSStream", TidyWebsocket),
)
"""The modules of Hypercorn, and what is put there in the place of what: there is no other way in."""


def serve_tidily() -> None:
    """Have Hypercorn serve by the classes of this module, where its release is the one that they know."""
    if not LACKING:
        for module, name, ours in INSTEAD:
            vars(module)[name] = ours
