"""Starts and ends the servers that are measured, each a process of its own on a core of its own."""

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from quart_app.cli.bench.load import Target
from quart_app.cli.bench.process import processor_time
from quart_app.cli.bench.stream import BenchError
from quart_app.cli.bench.wire import Address
from tests.bench.contenders import CHECKOUT, Contender

START_DEADLINE: Final = 60.0  # s
STOP_DEADLINE: Final = 20.0  # s
_CORES: Final = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
_ADDRESS = re.compile(rb"(http://\S+)(?: (\d+))?")


class Server:
    """One server, which may be ended and started again on the same `folder`.

    `target` is what is measured, and `used` the processor time (s) that the process had used when it listened, None
    where the system does not tell. It stays on one `core`, or on none.
    """

    target: Target

    def __init__(self, contender: Contender, folder: Path, core: int | None = 0) -> None:
        self.used: float | None = None
        self._core = core
        self.contender = contender
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Target:
        """Start it; returns what is measured. Raises BenchError where it does not start."""
        contender, port = self.contender, self._port
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ENVIVO_")}
        environment |= {"PYTHONPATH": str(CHECKOUT), **contender.environment(self._folder, port)}
        log = self._folder / "log"
        with pinned(self._core), log.open("ab") as errors:
            self._process = process = subprocess.Popen(
                contender.command(self._folder, port),
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is the benchmark's, which ends its servers itself
            )
        url, pid = (_listening if contender.silent else _printed)(process, port)
        if url is None:
            self.stop()
            raise BenchError(f"{contender.name} did not start:\n{log.read_text('utf-8', 'replace')[-2_000:]}")
        self.used = processor_time(pid)
        self.target = Target(
            Address.parse(url),
            contender.dialect,
            pid=pid,
            room=contender.room,
            turns=contender.turns,
            restart=self.restart if contender.restarts else None,
        )
        return self.target

    def restart(self) -> Target:
        self.stop()
        return self.start()

    def fill(self, events: int) -> None:
        """Put so many stored events into the database of a server that does not run."""
        if self.contender.fill is not None:
            self.contender.fill(self._folder, events)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def running(contender: Contender, folder: Path) -> Iterator[Target]:
    """One of the contenders with its files in `folder`; it is stopped at the end."""
    with serving(contender, folder) as server:
        yield server.target


@contextmanager
def serving(contender: Contender, folder: Path, core: int | None = 0) -> Iterator[Server]:
    """The same, for what has it started again."""
    server = Server(contender, folder, core)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _printed(process: subprocess.Popen[bytes], port: int) -> tuple[str | None, int]:
    """What the server prints once it listens: its address, and the process that serves, if that is another one."""
    assert process.stdout is not None
    watchdog = threading.Timer(START_DEADLINE, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            if found := _ADDRESS.search(line):
                return found[1].decode(), int(found[2] or process.pid)
    finally:
        watchdog.cancel()
    return None, process.pid


def _listening(process: subprocess.Popen[bytes], port: int) -> tuple[str | None, int]:
    """The address of a server that prints nothing, as soon as it answers there, and the process that serves."""
    ends = time.monotonic() + START_DEADLINE
    while process.poll() is None and time.monotonic() < ends:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return f"http://127.0.0.1:{port}", _worker(process.pid)
        time.sleep(0.02)
    return None, process.pid


def _worker(pid: int) -> int:
    """The process that serves, of a server whose first one only watches over it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return pid
    return int(children[0]) if children else pid


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keep this thread, and the processes that it starts, on one core; where it is to be on none, there is one alone,
    or no way to, do nothing."""
    if core is None or len(_CORES) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_CORES[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
