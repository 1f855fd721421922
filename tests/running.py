"""A real server for the tests: its own process, its own file, its own port. And the two ways to wait."""

import asyncio
import contextlib
import inspect
import multiprocessing
import os
import re
import runpy
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib.util import find_spec
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import anyio
import httpx

from tests.stores import database_url

T = TypeVar("T")

START_DEADLINE = 30.0  # s; a loaded machine with two cores runs the suite
STOP_DEADLINE = 15.0
NODE_CLIENTS = Path(__file__).parent / "js"
UNDOCUMENTED = "UNDOCUMENTED MESSAGE"  # how a line of tests.checked_server begins
_PRELOADED = ["hypercorn.asyncio", "quart_app.app", "quart_app.cli.serve", "tests.wire.contract"]
# Forked from a process that has imported the program already, where the system can fork: that is half of its start.
_PROCESSES: Any = multiprocessing.get_context(
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
_PROCESSES.set_forkserver_preload(_PRELOADED)
_ADDRESS = re.compile(r"^En Vivo: (https?://\S+)$", re.MULTILINE)


async def eventually(predicate: Callable[[], Any], deadline: float = 5.0) -> Any:
    """Return the first true answer of ``predicate`` (plain or async); fail after ``deadline`` seconds without one."""
    ends = time.monotonic() + deadline
    while True:
        answer = predicate()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < ends, f"not within {deadline} s; the last answer was {answer!r}"
        await anyio.sleep(0.01)


class _Proxy(Protocol):
    url: str

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...

    async def stop(self) -> None: ...


@contextlib.asynccontextmanager
async def listening(proxy: _Proxy) -> AsyncIterator[None]:
    """Let a proxy serve on a free port, whose `url` it is told, and stop it in the end."""
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, backlog=4096)  # a crowd may come at once
    proxy.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield
    finally:
        listener.close()
        await proxy.stop()
        await listener.wait_closed()


def unused_name() -> str:
    """A name that nobody else has. It is never a number's digits, which would be a number on the wire."""
    return f"n{secrets.token_hex(6)}"


def wait_until(predicate: Callable[[], T | None], deadline: float = 5.0) -> T:
    """Return the first true answer of ``predicate``, like `eventually` where there is no loop."""
    ends = time.monotonic() + deadline
    while not (answer := predicate()):
        assert time.monotonic() < ends, f"not within {deadline} s; the last answer was {answer!r}"
        time.sleep(0.01)
    return answer


def find_chromium() -> str | None:
    """Return the browser the tests drive, None where it or Playwright is missing."""
    if find_spec("playwright") is None:
        return None
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def find_node() -> str | None:
    """Return the Node.js that can run the clients of tests/js, None where it or their packages are missing."""
    return shutil.which("node") if (NODE_CLIENTS / "node_modules" / ".package-lock.json").exists() else None


def find_autobahn() -> str | None:
    """Return the fuzzing client of Autobahn|Testsuite, None where it is not installed."""
    wstest = Path(__file__).parents[1] / ".venv-autobahn" / "wstest"
    return str(wstest) if wstest.exists() else None


def can_make_networks() -> bool:
    """Return whether this user may make network namespaces."""
    ip = shutil.which("ip")
    if ip is None or sys.platform != "linux" or os.geteuid() != 0:
        return False
    name = f"envivo-{os.getpid()}"
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        subprocess.run([ip, "netns", "del", name], capture_output=True, check=False)
    return made


def _run_module(module: str, arguments: Sequence[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    """Do what ``python -m module arguments`` does, in this process, which is a new one."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # they are files here
    sys.argv = [module, *arguments]
    sys.orig_argv = [sys.executable, "-m", *sys.argv]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


class ServerProcess:
    """``envivo serve`` on a free port and a database of its own (a SQLite file in ``folder``, unless the tests run on
    PostgreSQL), held to its own documents; a subclass may name another ``module`` that does the same and more, and
    another kind of ``processes``.

    Its database has no examples unless ``empty=0``. ``settings`` are those of quart_app.config, by name;
    ``arguments`` more of the command line, such as ``--tls``;
    ``environment`` other variables it gets.
    After `kill` or `stop`, `start` starts it again on the same file and port.
    """

    module = "tests.checked_server"
    processes = _PROCESSES

    def __init__(
        self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, **settings: object
    ) -> None:
        self.folder = folder
        self.database = folder / "envivo.db"
        self.url = ""
        self.port = int(cast("int", settings.pop("port", 0)))
        self.killed = False
        self._arguments = arguments
        self._environment = environment or {}
        self._settings = {"empty": 1, **settings}
        self._settings.setdefault("database_url", database_url(self.database, migrated=True))
        self._log_file = folder / "server.log"
        self._process: BaseProcess | None = None

    @property
    def database_url(self) -> str:
        return str(self._settings["database_url"])

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def tls(self) -> ssl.SSLContext | bool:
        """The TLS context that an HTTP client verifies the server with."""
        for kept in (self.folder / "envivo-tls", self.folder / ".cache" / "envivo" / "tls"):
            if (kept / "authority.pem").exists():
                return ssl.create_default_context(cafile=str(kept / "authority.pem"))
        return True

    def log(self) -> str:
        """Everything that the server has printed since its first start."""
        return self._log_file.read_text("utf-8", "replace") if self._log_file.exists() else ""

    def start(self) -> "ServerProcess":
        """Start the server, wait until /health answers 200, and return it."""
        known = len(self.log())
        self.launch()
        try:
            self.url = wait_until(lambda: self._address(known), START_DEADLINE)
            self.port = httpx.URL(self.url).port or 0
            wait_until(self.healthy, START_DEADLINE)
        except BaseException:
            self.kill()
            raise
        return self

    def launch(self) -> None:
        """Start the server and wait for nothing."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENVIVO_")}
        environment |= {f"ENVIVO_{name.upper()}": str(value) for name, value in self._settings.items()}
        # Where there is no SQLite file, certificates are kept at home.
        environment |= {"ENVIVO_PORT": str(self.port), "HOME": str(self.folder), **self._environment}
        arguments = ["serve", *self._arguments]
        self._process = self.processes.Process(
            target=_run_module, args=(self.module, arguments, self.folder, environment, self._log_file), daemon=True
        )
        self._process.start()

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", verify=self.tls, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def running(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def send_signal(self, number: signal.Signals) -> None:
        if self.running():
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.kill(self.pid, number)

    def wait(self, deadline: float = STOP_DEADLINE) -> int:
        """Wait for the server's end; return the exit code. Raise TimeoutError where it takes longer."""
        assert self._process is not None
        self._process.join(deadline)
        if self._process.exitcode is None:
            raise TimeoutError
        return self._process.exitcode

    def kill(self) -> None:
        """End the server as a power cut would (SIGKILL)."""
        if self._process is not None:
            self.killed = True
            self._process.kill()
            self._process.join(STOP_DEADLINE)

    def stop(self) -> int:
        """End the server as Ctrl-C does; return the exit code."""
        if self.running():
            self.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
        return self.wait()

    def check_clean_end(self) -> None:
        """Stop the server where it still runs, and fail if it ended badly or logged a traceback."""
        code = 0
        if self.running():
            try:
                code = self.stop()
            except TimeoutError:
                self.kill()
                raise AssertionError(f"the server did not stop within {STOP_DEADLINE} s\n{self.log()}") from None
        assert code == 0, f"the server ended with {code}\n{self.log()}"
        assert "Traceback (most recent call last)" not in self.log(), self.log()
        self.check_messages()

    def check_messages(self) -> None:
        """Fail if the server sent a message that `/asyncapi.json` does not know."""
        faults = [line for line in self.log().splitlines() if line.startswith(UNDOCUMENTED)]
        assert not faults, "\n".join(faults)

    def _address(self, known: int) -> str | None:
        assert self.running(), f"the server did not start\n{self.log()}"
        found = _ADDRESS.search(self.log(), known)
        return found[1] if found else None


def ended_by(number: signal.Signals, server: ServerProcess) -> bool:
    """Send `server` the signal, which it may take for the one before, and return whether it has ended."""
    server.send_signal(number)
    return not server.running()
