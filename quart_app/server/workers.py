"""The parent of several workers: processes that serve the same doors, each of them a node.

It binds the sockets, starts the workers with the command that it was started with, starts again what dies, and passes
signals on. It serves nobody and imports nothing of the application. SIGHUP replaces one worker after another, each by
one that serves already, so that whoever comes meanwhile is let in.

On Linux each worker has listening sockets of its own, among which the system spreads connections evenly
(`SO_REUSEPORT`); elsewhere they share them, and whoever is awake first takes a connection. Either way the sockets
belong to the parent, too: connections that come while a worker is replaced or started again wait for the next one.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

from quart_app.config import Settings, SettingsError
from quart_app.server.leaving import STOPPING, say
from quart_app.server.listening import (
    Addresses,
    ListenError,
    Opened,
    addresses_of,
    bound_again,
    close_doors,
    listen,
    open_doors,
    share_addresses,
)
from quart_app.server.logs import configure_logging
from quart_app.server.starter import EVERYBODY, VARIABLE, Inheritance

_SPREAD: Final = sys.platform == "linux"  # whether the system spreads connections among sockets at one address
_CALM: Final = 30.0  # s that a worker has served for which its end is no sign of another soon
_LONGEST_PAUSE: Final = 30.0  # s before a worker that keeps ending is started again

logger = logging.getLogger(__name__)


def run_workers(settings: Settings) -> int:
    """Serve by `settings.workers` processes until told to stop; return the exit code. Print one line where that
    cannot be."""
    try:
        configure_logging(msgspec.structs.replace(settings, log_file=None))
        return asyncio.run(Workers(settings, [sys.executable, *sys.orig_argv[1:]]).run())
    except (ListenError, SettingsError) as error:
        print(f"En Vivo cannot start: {error}", file=sys.stderr)  # noqa: T201 - the answer to who started it
        return 1


class Worker:
    """One process that serves, and the parent's end of the channel to it."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.pid = process.pid
        self.said: list[str] = []
        self.end = asyncio.create_task(self._wait())
        self._process = process
        self._reader = reader
        self._writer = writer
        self._served_since: float | None = None

    async def serves(self) -> bool:
        """Return True once it serves, False where it has ended before."""
        with suppress(OSError):
            if line := await self._reader.readline():
                self.said = json.loads(line)
                self._served_since = asyncio.get_running_loop().time()
        return self.has_served

    @property
    def has_served(self) -> bool:
        """Whether it has come as far as to serve."""
        return self._served_since is not None

    @property
    def has_served_long(self) -> bool:
        """Whether it has served for so long that its end comes as a surprise."""
        return self._served_since is not None and asyncio.get_running_loop().time() - self._served_since > _CALM

    def leave_with_all(self) -> None:
        """Let it leave, as all others do."""
        self._writer.write(EVERYBODY)

    def signal(self, number: signal.Signals) -> None:
        """Pass a signal on."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _wait(self) -> int:
        code = await self._process.wait()
        self._writer.close()
        return code if code >= 0 else 128 - code  # as shells have it


class Place:
    """The place of one worker after the other: its number, and the sockets that it serves at."""

    def __init__(self, number: int, opened: Opened) -> None:
        self.number = number
        self.opened = opened
        self.worker: Worker | None = None
        self.changing = asyncio.Lock()
        self._early_ends = 0

    def pause(self, *, surprised: bool) -> float:
        """Return after how many seconds another worker is to follow one that has ended."""
        self._early_ends = 0 if surprised else self._early_ends + 1
        return min(2.0 ** (self._early_ends - 2), _LONGEST_PAUSE) if self._early_ends > 1 else 0.0


class Workers:
    """The workers of these settings, which are started by `command`."""

    def __init__(self, settings: Settings, command: Sequence[str]) -> None:
        self._settings = settings
        self._command = command
        self._nodes = tuple(f"{settings.node_name}-{number}" for number in range(1, settings.workers + 1))
        self._alive: set[Worker] = set()
        self._addresses: Addresses = []
        self._places: list[Place] = []
        self._leaving = asyncio.Event()
        self._replacing = asyncio.Event()
        self._code = 0
        self._has_terminal = os.isatty(0)

    async def run(self) -> int:
        """Serve until told to stop; return the exit code: 0 where all workers have ended well. Raise ListenError."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        self._open()
        failed = await self._start_all()
        if failed is None:
            replacing = asyncio.create_task(self._replace())
            await asyncio.gather(*map(self._keep, self._places))
            replacing.cancel()
        elif not self._leaving.is_set():
            self._code = failed or 1
            self._leave()
        while self._alive:
            await asyncio.wait([worker.end for worker in self._alive])
        return self._code

    def _open(self) -> None:
        opened = open_doors(self._settings.doors, self._settings.peer_timeout)
        self._addresses = addresses_of(opened)
        if _SPREAD:
            share_addresses(opened)
        for number in range(1, len(self._nodes) + 1):
            self._places.append(Place(number, self._bound_again() if _SPREAD and number > 1 else opened))

    def _bound_again(self) -> Opened:
        return bound_again(self._addresses, self._settings.peer_timeout)

    # The life of a worker

    async def _start_all(self) -> int | None:
        """Start a worker in each place; return None once all of them serve, else the exit code of one that does not."""
        first, *others = self._places
        # The first brings the database up to date, or says what is wrong.
        codes = [await self._start(first)]
        if codes == [None]:
            for place in others:  # whose share of those who come waits for them, lest the first be given everybody
                listen(place.opened)
            codes += await asyncio.gather(*map(self._start, others))
        failed = next((code for code in codes if code is not None), None)
        if failed is None and first.worker is not None:
            for line in first.worker.said:
                say(line)
        return failed

    async def _start(self, place: Place) -> int | None:
        """Start a worker, which takes the place once it serves; return None then, its exit code where it ends
        before."""
        if self._leaving.is_set():
            return 0
        try:
            worker = await self._spawn(place)
        except OSError as error:  # there are no more processes, or the address was taken meanwhile
            logger.error("worker %d cannot be started: %s", place.number, error)  # noqa: TRY400 - the words are enough
            return 1
        self._alive.add(worker)
        worker.end.add_done_callback(lambda _: self._ended(worker))
        if self._leaving.is_set():
            worker.leave_with_all()
        if await worker.serves():
            place.worker = worker
            return None
        return await worker.end

    async def _spawn(self, place: Place) -> Worker:
        """Start a process that inherits the sockets of a place, which are bound where they are not; raise OSError."""
        place.opened = place.opened or self._bound_again()
        ours, theirs = socket.socketpair()
        doors = {door.name: [listener.fileno() for listener in listeners] for door, listeners in place.opened}
        inherited = Inheritance(place.number, self._nodes, theirs.fileno(), doors)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**os.environ, VARIABLE: msgspec.json.encode(inherited).decode()},
                pass_fds=[inherited.channel, *(one for listeners in doors.values() for one in listeners)],
                process_group=0,  # what is typed at the terminal comes by way of this process
            )
        return Worker(process, *await asyncio.open_connection(sock=ours))

    def _ended(self, worker: Worker) -> None:
        self._alive.discard(worker)
        if self._leaving.is_set() and worker.has_served:
            self._code = self._code or worker.end.result()

    async def _keep(self, place: Place) -> None:
        """Start another worker whenever that of a place has ended, until all leave."""
        while not self._leaving.is_set():
            worker = place.worker
            assert worker is not None  # noqa: S101 - all places had one when this began
            await worker.end
            async with place.changing:
                if place.worker is worker:  # it was not replaced
                    await self._follow(place, worker)

    async def _follow(self, place: Place, worker: Worker) -> None:
        """Start workers in the place of one that has ended, until one serves."""
        code: int | None = await worker.end
        surprised = worker.has_served_long
        while code is not None and not self._leaving.is_set():
            pause = place.pause(surprised=surprised)
            when = f"in {pause:g} s" if pause else "now"
            logger.error("worker %d has ended with exit code %d; another one starts %s", place.number, code, when)
            if pause:
                await self._rest(place, pause)
            code, surprised = await self._start(place), False

    async def _rest(self, place: Place, pause: float) -> None:
        """Leave a place for so many seconds. Where each has sockets of its own, nobody waits there meanwhile."""
        if _SPREAD:
            close_doors(place.opened)
            place.opened = []
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._leaving.wait()

    async def _replace(self) -> None:
        """Replace the workers, one after another, whenever that is asked for."""
        while True:
            await self._replacing.wait()
            self._replacing.clear()
            logger.info("the workers are replaced, one after another")
            for place in self._places:
                if not await self._replace_one(place) and not self._leaving.is_set():
                    logger.error("worker %d could not be replaced; those that serve go on", place.number)
                    break

    async def _replace_one(self, place: Place) -> bool:
        async with place.changing:
            old = place.worker
            if await self._start(place) is not None:
                return False
            if old is not None:
                old.signal(signal.SIGTERM)
                await old.end
            return True

    # Signals

    def _on_signal(self, number: signal.Signals) -> None:
        if not self._leaving.is_set():
            say(STOPPING)
            self._leave()
        else:
            for worker in self._alive:
                worker.signal(number)

    def _leave(self) -> None:
        self._leaving.set()
        for place in self._places:
            close_doors(place.opened)
        for worker in self._alive:
            worker.leave_with_all()

    def _on_hangup(self) -> None:
        """Replace the workers; where that was the end of the terminal, leave."""
        if self._has_terminal and not os.isatty(0):
            self._on_signal(signal.SIGHUP)
        else:
            self._replacing.set()
