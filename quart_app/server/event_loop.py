"""The event loop of the server: uvloop where it is installed, and a hold on the sockets that the loop listens to.

This module owns the answer to two gaps of asyncio that `serve` of Hypercorn falls into: a listener cannot be closed
before its server is told to stop, and from Python 3.12.1 on `Server.wait_closed` waits for every open connection,
without end; and to one of Hypercorn, which listens to nothing more once it serves. It also owns what ends the loop:
that is no callback, which may be of a function of somebody's own.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from asyncio import SelectorEventLoop as _BaseLoop
else:
    try:
        from uvloop import Loop as _BaseLoop
    except ImportError:  # there is none for Windows and PyPy
        if sys.platform == "win32":
            from asyncio import ProactorEventLoop as _BaseLoop
        else:
            from asyncio import SelectorEventLoop as _BaseLoop

_BACKLOG: Final = 100  # connections that wait to be accepted, where nobody says how many
_ACCEPTS_AGAIN: Final = 1.0  # s after which that is tried where it has failed

logger = logging.getLogger(__name__)


class Entrance(Protocol):
    """What receives accepted connections."""

    def protocol(self, others: Callable[[], Any]) -> asyncio.Protocol:
        """Return the protocol of a new connection; `others` makes that of a connection which is not its own."""

    def close(self) -> None:
        """Receive none any more."""

    def handshake(
        self, peername: object, end: Callable[[], object], others: Callable[[], Any]
    ) -> AbstractContextManager[tuple[Callable[[], asyncio.Protocol], float] | None]:
        """Take note of a TLS handshake for as long as it takes; `end` breaks it off.

        Give what makes the protocol of the connection, and the seconds that the handshake may take; None where there is
        to be none.
        """


class _Listener:
    """A server whose `wait_closed` waits for the listening socket only; connections have their own end."""

    def __init__(self, server: asyncio.AbstractServer, socket: Any) -> None:
        self._server = server
        self.socket = socket

    def close(self) -> None:
        self._server.close()

    shaking: Collection[asyncio.Task[None]] = ()

    async def wait_closed(self) -> None:
        """Return at once, because `close` has closed the socket already."""

    def abort(self) -> None:
        """Do nothing: there is no connection that is not held elsewhere."""


class _TlsListener:
    """A listener that has each connection received by `entrance` before its TLS handshake, which asyncio's servers
    begin by themselves."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        context: ssl.SSLContext,
        entrance: Entrance,
        others: Callable[[], Any],
    ) -> None:
        self._loop = loop
        self.socket = listening
        self._context = context
        self._entrance = entrance
        self._others = others
        self.shaking: set[asyncio.Task[None]] = set()
        self._task = loop.create_task(self._accept(), name="accepting")

    def close(self) -> None:
        """Accept no more; handshakes under way go on."""
        self._task.cancel()

    async def wait_closed(self) -> None:
        """Return at once, as `_Listener` does."""

    def abort(self) -> None:
        """Break off the handshakes under way."""
        for task in tuple(self.shaking):
            task.cancel()

    async def _accept(self) -> None:
        with self.socket:
            while True:
                try:
                    accepted, peername = await self._loop.sock_accept(self.socket)
                except OSError as error:  # there are no more descriptors, for a while
                    logger.warning("a connection could not be accepted: %s", error)
                    await asyncio.sleep(_ACCEPTS_AGAIN)
                else:
                    task = self._loop.create_task(self._shake_hands(accepted, peername))
                    self.shaking.add(task)
                    task.add_done_callback(self.shaking.discard)

    async def _shake_hands(self, accepted: socket.socket, peername: Any) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it is one of `shaking`
        with self._entrance.handshake(peername, task.cancel, self._others) as way:
            if way is None:
                accepted.close()
                return
            made, patience = way
            with contextlib.suppress(OSError, asyncio.CancelledError):  # that it fails is the peer's affair
                await self._loop.connect_accepted_socket(
                    made, accepted, ssl=self._context, ssl_handshake_timeout=patience
                )


class ListenerLoop(_BaseLoop):
    """An event loop that can stop listening, and cut off the connections it has accepted.

    What comes in by a listening socket is received by the one of its `receptions` that belongs to that. Where it is
    `held`, it runs until what it was given is done, whatever is raised meanwhile; signals are then to be handled by
    somebody else.
    """

    def __init__(self, *, held: bool = False) -> None:
        super().__init__()
        self._held = held
        self._goes_on = False
        self.receptions: dict[Any, Entrance] = {}
        self._like_the_first: Callable[[Any], Any] | None = None
        self._open_listeners: list[_Listener | _TlsListener] = []
        self._accepted_transports: set[asyncio.Transport] = set()

    def run_until_complete(self, future: Any) -> Any:
        """Return the result of `future`, which alone ends this where the loop is held: not a SystemExit or
        KeyboardInterrupt of something else that the loop calls."""
        if not self._held or self.is_running() or self.is_closed():  # that says why not
            return super().run_until_complete(future)
        main = asyncio.ensure_future(future, loop=self)
        main.add_done_callback(self._end)
        self._goes_on = True
        try:
            while self._goes_on:
                self._run_on(main)
        finally:
            main.remove_done_callback(self._end)
            self._goes_on = False
        return main.result()

    def _run_on(self, main: asyncio.Future[Any]) -> None:
        try:
            self.run_forever()
        except Exception:
            raise  # it is the loop's own
        except BaseException as error:  # noqa: BLE001 - it is told
            if not main.done() or main.cancelled() or main.exception() is not error:
                said = "something that the event loop has called would have ended the program, which goes on"
                self.call_exception_handler({"message": said, "exception": error})

    def _end(self, _main: asyncio.Future[Any]) -> None:
        self._goes_on = False
        self.stop()

    def stop(self) -> None:
        """Stop. Raise RuntimeError where the loop runs until something is done, which it is not."""
        if self._goes_on:
            raise RuntimeError("the event loop is not for stopping by what it calls")
        super().stop()

    async def create_server(self, protocol_factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        """Listen as every loop does, keep hold of the listener and its connections, and return the listener."""

        def tracked() -> Any:
            return self._track(protocol_factory())

        listening = kwargs.get("sock")
        reception = self.receptions.get(listening)
        if reception is not None and self._like_the_first is None:
            self._like_the_first = lambda sock: self.create_server(protocol_factory, *args, **{**kwargs, "sock": sock})
        listener: _Listener | _TlsListener
        if reception is not None and listening is not None and (context := kwargs.get("ssl")) is not None:
            listening.listen(kwargs.get("backlog", _BACKLOG))
            listener = _TlsListener(self, listening, context, reception, tracked)
        else:
            made = tracked if reception is None else partial(reception.protocol, tracked)
            listener = _Listener(await super().create_server(made, *args, **kwargs), listening)
        self._open_listeners.append(listener)
        return listener

    async def listen_too(self, socket: Any, reception: Entrance) -> None:
        """Listen to one more socket, whose connections `reception` receives, as to the first that has one; raise
        OSError."""
        assert self._like_the_first is not None  # noqa: S101 - the server listens to the first of them
        self.receptions[socket] = reception
        try:
            await self._like_the_first(socket)
        except BaseException:
            del self.receptions[socket]
            raise

    def close_listener(self, socket: Any) -> None:
        """Listen to `socket` no more, and receive nothing that has come in there."""
        if (reception := self.receptions.pop(socket, None)) is not None:
            reception.close()
        for listener in [one for one in self._open_listeners if one.socket is socket]:
            self._open_listeners.remove(listener)
            listener.close()
            listener.abort()

    def close_listeners(self) -> None:
        """Refuse new connections from now on; the open ones stay open."""
        for listener in self._open_listeners:
            listener.close()

    async def handshakes_over(self, patience: float) -> bool:
        """Return when the handshakes that are under way now have ended, or after so many seconds; return whether there
        were any."""
        shaking = [task for listener in self._open_listeners for task in listener.shaking]
        if shaking:
            await asyncio.wait(shaking, timeout=patience)
        return bool(shaking)

    def accepted(self) -> Iterator[asyncio.Transport]:
        """Return the accepted connections that are in nobody else's hands."""
        return iter(tuple(self._accepted_transports))

    def abort_connections(self) -> None:
        """Cut off every accepted connection, whatever it still has to send."""
        for listener in self._open_listeners:
            listener.abort()
        for transport in tuple(self._accepted_transports):
            transport.abort()

    def hold(self, transport: asyncio.Transport) -> None:
        """Keep hold of an accepted connection."""
        self._accepted_transports.add(transport)

    def let_go(self, transport: asyncio.Transport) -> None:
        """Leave an accepted connection to somebody else."""
        self._accepted_transports.discard(transport)

    def _track(self, protocol: Any) -> Any:
        protocol.connection_made = partial(self._connection_made, protocol)
        return protocol

    def _connection_made(self, protocol: Any, transport: asyncio.Transport) -> None:
        del protocol.connection_made  # the method of its class is found next
        self.hold(transport)
        protocol.connection_lost = partial(self._connection_lost, protocol, transport)
        protocol.connection_made(transport)

    def _connection_lost(self, protocol: Any, transport: asyncio.Transport, error: Exception | None) -> None:
        del protocol.connection_lost
        self.let_go(transport)
        protocol.connection_lost(error)


def new_event_loop(*, held: bool = False) -> asyncio.AbstractEventLoop:
    """Return a loop such as the server runs on, which is `held`."""
    return ListenerLoop(held=held)
