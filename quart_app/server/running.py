"""Hypercorn in this process: its start, and an end that takes seconds.

This module owns the event loop and the order of leaving: refuse new connections, send every client a `bye`, cut off
those that stay, close the stores. It knows nothing of what the application does. Hypercorn is run through its public
`serve`.

Errors: `StartError` of `configuration`, whose message is all that whoever started it needs.
"""

import asyncio
import gc
import logging
import ssl
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Any, Final, Protocol

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from quart_app.config import Settings, SettingsError, check_served, doubts
from quart_app.doors import FRONT, Doors, address_to_open
from quart_app.functions.loading import FunctionsError
from quart_app.private_files import made_private
from quart_app.realtime.limits import LAST_WORDS
from quart_app.resources import is_checkout
from quart_app.server.configuration import ServerConfig, ServerOptions, StartError, server_config
from quart_app.server.doorways import Doorways
from quart_app.server.event_loop import ListenerLoop, new_event_loop
from quart_app.server.leaving import INTERRUPTED, Leaving
from quart_app.server.listening import ListenError, raise_descriptor_limit
from quart_app.server.logs import configure_logging
from quart_app.server.proof import direct_way_works
from quart_app.server.starter import Starter
from quart_app.transports.below.first_read import Reception
from quart_app.transports.below.tcp import serve_tidily

USAGE: Final = 2  # exit code, the same as for a wrong option

_FIRST_WORDS: Final = 0.1  # s that a peer whose handshake has just ended has for its request

logger = logging.getLogger(__name__)


class ServedApplication(Protocol):
    """The application that is served: a Quart application that can also tell its clients to leave."""

    direct: bool
    """Whether the application may write past ASGI."""

    leaving: bool
    """Whether the server has been told to stop, so that nobody new should come here."""

    @property
    def logger(self) -> logging.Logger:
        """The logger that Quart writes to."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one ASGI connection."""

    async def startup(self) -> None:
        """Open the stores, apply migrations, start the background work."""

    async def shutdown(self) -> None:
        """Undo `startup`."""

    doors: Doors
    """The doors that there are to be, which are told where they are, and who opens and closes them."""

    def taken(self) -> Iterable[Any]:
        """Return the connections that it has taken over."""

    def reception(self, config: Config, loop: ListenerLoop) -> Reception:
        """Return what receives the connections that `loop` accepts."""

    async def drain(self, leaving: Collection[str]) -> None:
        """Send every client its `bye`; return when they are gone or the time for it is over. `leaving` are the names of
        the nodes that leave now, of which this is one."""


def run(settings: Settings, *, options: ServerOptions) -> int:
    """Serve until told to stop; return the exit code. Print one line where the server cannot start."""
    from quart_app.app import create_app

    return serve(settings, options, lambda: create_app(settings))


def migrate_database(settings: Settings, report: Callable[[str], object]) -> list[str]:
    """Bring the database up to date; return the names of the applied migrations.

    ``report`` is told of each migration before it begins. Raise `StartError` where it fails;
    the database is then as it was.
    """
    from quart_app.app import MODEL_MODULES
    from quart_app.storage.database import migrate
    from quart_app.storage.errors import StorageError

    try:
        with made_private():
            return asyncio.run(migrate(settings.database_url, MODEL_MODULES, report))
    except StorageError as error:
        raise StartError(str(error)) from error


def move_database(settings: Settings, target: str, progress: Callable[[str, int, int], object]) -> int:
    """Copy the database of `settings` into the empty one at the URL `target`; return how many rows it has.

    ``progress`` is told of each table, how many of its rows have been moved, and how many it has. Raise `StartError`
    where it fails; both databases are then as they were.
    """
    from quart_app.app import MODEL_MODULES
    from quart_app.storage.errors import StorageError
    from quart_app.storage.moving import move

    try:
        with made_private():
            return asyncio.run(move(settings.database_url, target, MODEL_MODULES, progress))
    except StorageError as error:
        raise StartError(str(error)) from error


def write_migration(name: str) -> list[str]:
    """Write the next migration of this checkout, and the script of all of them; return lines that describe what was
    written, none where there is nothing to do.

    Raise `StartError` where it cannot be written.
    """
    from quart_app.app import MODEL_MODULES
    from quart_app.storage.errors import StorageError
    from quart_app.storage.new_migration import make_migration, write_script

    if not is_checkout():
        raise StartError(
            "this is an installed En Vivo, and a migration belongs to its source: get a checkout, install it with"
            " `pip install --editable .` (`make run` does it), and make the migration there"
        )
    try:
        made = asyncio.run(make_migration(MODEL_MODULES, name))
        script = asyncio.run(write_script(MODEL_MODULES))
    except StorageError as error:
        raise StartError(str(error)) from error
    told = [] if made is None else made.told()
    return told if script is None else [*told, f"Written: {script}, with which new SQLite files begin"]


def serve(settings: Settings, options: ServerOptions, build: Callable[[], ServedApplication]) -> int:
    """Serve the application that ``build`` returns until told to stop; return the exit code."""
    with made_private():
        return _serve(settings, options, build)


def _serve(settings: Settings, options: ServerOptions, build: Callable[[], ServedApplication]) -> int:
    try:
        check_served(settings)
        configure_logging(settings)
        for doubt in doubts(settings):
            logger.warning(doubt)
        config = server_config(settings, options)
        config.opened = options.starter.open(settings)
        with asyncio.Runner(loop_factory=partial(new_event_loop, held=True)) as runner:
            return runner.run(_Server(config, build(), settings, options.starter).run())
    except (StartError, SettingsError, ListenError) as error:
        print(f"En Vivo cannot start: {error}", file=sys.stderr)  # noqa: T201 - the answer to who started it
        return 1
    except FunctionsError as error:
        print(f"En Vivo cannot start: {error}", file=sys.stderr)  # noqa: T201 - the answer to who wrote the file
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED


class _Server:
    """One run of the server, from opening the stores to closing them."""

    def __init__(self, config: ServerConfig, app: ServedApplication, settings: Settings, starter: Starter) -> None:
        self._config = config
        self._app = app
        self._starter = starter
        self._name = settings.node_name
        self._peer_timeout = settings.peer_timeout
        self._delay = settings.drain_delay

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, ListenerLoop):
            raise TypeError("the server runs on a loop of new_event_loop()")
        loop.set_exception_handler(_report)
        raise_descriptor_limit()
        leaving = Leaving(loop, self._delay, self._starter.say)
        for door, listeners in self._config.opened:
            self._app.doors.bind(door.name, [listener.getsockname()[:2] for listener in listeners])
        try:
            await self._start()
            serve_tidily()
            self._app.direct = self._app.direct and await direct_way_works()
            doorways = self._doorways(loop)
            _settle_garbage_collector()
            if not leaving.asked.is_set():
                trigger = self._serve_until_asked(loop, doorways, leaving.asked)
                await hypercorn_serve(
                    _without_lifespan(self._app), self._config, shutdown_trigger=lambda: trigger, mode="asgi"
                )
        except StartError:
            raise
        except OSError as error:  # another server took the port between our bind and our listen
            raise StartError(f"cannot listen: {error.strerror or error}") from error
        except Exception:
            logger.debug("connections that ended badly while leaving", exc_info=True)
            if not leaving.asked.is_set():
                raise
        finally:
            await self._close_stores()
        return 0

    def _doorways(self, loop: ListenerLoop) -> Doorways:
        doorways = Doorways(
            loop,
            lambda: self._app.reception(self._config, loop),
            self._app.taken,
            scheme="https" if self._config.ssl_enabled else "http",
            peer_timeout=self._peer_timeout,
        )
        for door, listeners in self._config.opened:
            doorways.begin(door, listeners)
        return doorways

    async def _start(self) -> None:
        traceback_of_quart = _WithoutTraceback()
        self._app.logger.addFilter(traceback_of_quart)
        try:
            async with asyncio.timeout(self._config.startup_timeout):
                await self._app.startup()
        except TimeoutError as error:
            raise StartError(f"the start took more than {self._config.startup_timeout:g} s") from error
        except Exception as error:
            logger.debug("the start failed", exc_info=True)
            raise StartError(_in_words(error)) from error
        finally:
            self._app.logger.removeFilter(traceback_of_quart)

    async def _serve_until_asked(self, loop: ListenerLoop, doorways: Doorways, asked: asyncio.Event) -> None:
        """Return when the server shall leave. Hypercorn awaits this trigger once every socket listens, and ends
        after it."""
        for door, listeners in self._config.opened:
            named = "" if door.name == FRONT else f" ({door.name})"
            self._starter.say(f"En Vivo{named}: {address_to_open(listeners[0].getsockname(), doorways.scheme)}")
        self._starter.serving()
        self._app.doors.listening = doorways
        await asked.wait()
        self._app.leaving = True
        await asyncio.sleep(self._delay)  # in which balancers find out, and bring nobody any more
        self._app.doors.listening = None
        loop.close_listeners()
        if await loop.handshakes_over(LAST_WORDS):
            await asyncio.sleep(_FIRST_WORDS)  # Hypercorn waits for the answers to what it has heard by then
        try:
            await self._app.drain(self._starter.leaving(self._name))
        except Exception:
            logger.exception("not every client could be told to leave")
        # This comes before Hypercorn's patience ends: a connection cut off here ends in order, a cancelled one may not.
        loop.call_later(self._config.graceful_timeout * 0.8, loop.abort_connections)

    async def _close_stores(self) -> None:
        try:
            async with asyncio.timeout(self._config.shutdown_timeout):
                await self._app.shutdown()
        except Exception:
            logger.exception("the stores were not closed in order")


class _WithoutTraceback(logging.Filter):
    """A filter that drops Quart's traceback of a failed start: one clear line is printed in its place."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is None


def _without_lifespan(app: ServedApplication) -> Callable[..., Awaitable[None]]:
    """Return the ASGI application without its lifespan, because the server starts and stops the application itself.

    That way a failed start is known by its exception, not by its text (ASGI lifespan 2.0 passes only a string).
    """

    def served(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        return lifespan(receive, send) if scope["type"] == "lifespan" else app(scope, receive, send)

    async def lifespan(receive: Any, send: Any) -> None:
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})

    return served


def _in_words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = str(error) or "no reason given"
    if type(error).__module__.partition(".")[0] == __name__.partition(".")[0]:
        return text
    return f"{type(error).__name__}: {text} (--log-level debug tells where)"


def _settle_garbage_collector() -> None:
    """Keep the garbage collector from looking at objects that it would not free.

    What is here now stays until the end: no collection need look at it again. Connections come in crowds, stay, and
    leave nothing to collect, so that a look after every 700 new objects would only cost. What is looked at a second
    time is taken in small parts, as everything waits meanwhile.
    """
    gc.freeze()
    gc.set_threshold(50_000, 5, 400)
    gc.enable()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # A handshake that fails is the client's affair: a scanner, or a browser that does not trust the certificate. So is
    # a peer that is gone without a word: Hypercorn 0.18 expects every error of a lost connection but a time-out. And
    # before 3.13 asyncio reports the connections that Hypercorn cancels when its patience ends as failures.
    if not isinstance(context.get("exception"), (ssl.SSLError, TimeoutError, asyncio.CancelledError)):
        loop.default_exception_handler(context)
