"""The servers of others that tests need: started by hand, on free loopback ports, in a temporary folder, and ended."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_DEBIAN: Final = "/usr/lib/postgresql"
_START_DEADLINE: Final = "60"  # s
_END_DEADLINE: Final = 15.0  # s
_OWNER: Final = "envivo"
_EMPTY, _MIGRATED = "template0", "migrated"
# What a crash of the machine would cost does not matter to a test; a crash of the server alone still costs nothing.
_FAST: Final = {"fsync": "off", "full_page_writes": "off"}


@cache
def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs (14 or newer), None where it is missing."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    versions = sorted(Path(_DEBIAN).glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions and int(versions[-1].parts[-3]) >= 14 else None


def find_redis() -> str | None:
    """Return the program of a Redis server, or of Valkey, which speaks as it does; None where there is neither."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


def find_faketime() -> Path | None:
    """Return the library that gives a process a clock of its own, None where it is missing."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class _Server(ABC):
    """A server on a port of its own that lives in a temporary folder, and ends with it.

    A subclass may name the `host` at which the tests find it, and the words `inside` that begin commands where it is.
    """

    host = "127.0.0.1"
    inside: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=f"envivo-{name}-"))
        self.port = free_port()

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepare(self) -> None:  # noqa: B027 - not every server needs something
        """Put into the folder what it needs for its first start."""

    @abstractmethod
    def start(self) -> None:
        """Start it (again), and return when it answers."""

    @abstractmethod
    def kill(self) -> None:
        """End it as a power cut would, where it runs."""


class Postgres(_Server):
    """A PostgreSQL server with databases for tests; `settings` are its own, by name."""

    def __init__(self, **settings: str) -> None:
        programs = find_postgres()
        assert programs is not None, "PostgreSQL is missing (apt-get install postgresql)"
        self._programs = programs
        super().__init__("postgres")
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "max_connections": "200",
            **_FAST,
            **settings,
        }
        self._migrated = False

    def _prepare(self) -> None:
        if _needs_another_user():
            shutil.chown(self._folder, "postgres")
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", _OWNER, "-N", "--no-locale", "-E", "UTF8")
        lines = [f"{name} = '{value}'\n" for name, value in self._settings.items()]
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(lines)

    def kill(self) -> None:
        """End it as a crash would, where it runs."""
        if (self._data / "postmaster.pid").exists():
            self.stop("immediate")

    def start(self) -> None:
        """Start it (again), and return when it answers."""
        self._control("start", "-l", self._log)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends all sessions, `immediate` is a crash, after which it recovers when it starts."""
        self._control("stop", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        """Stop and start it."""
        self.stop(mode)
        self.start()

    def new_database(self, *, migrated: bool = False) -> str:
        """Return the URL of a new database, which is empty, or has all tables and no rows.

        It is not dropped before the server ends: dropping one makes PostgreSQL write down everything.
        """
        name = f"n{secrets.token_hex(6)}"
        if migrated:
            self._make_migrated()
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE {_MIGRATED if migrated else _EMPTY}')
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgres://{_OWNER}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement, and return its rows, one a line."""
        return self._run(
            "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement
        )

    def _make_migrated(self) -> None:
        if not self._migrated:
            self.sql(f"CREATE DATABASE {_MIGRATED} TEMPLATE {_EMPTY}")
            command = [sys.executable, "-m", "quart_app", "migrate"]
            environment = {**os.environ, "ENVIVO_DATABASE_URL": self.url(_MIGRATED)}
            subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
            self._migrated = True

    def _control(self, *arguments: str | Path) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-t", _START_DEADLINE, *arguments)

    def _run(self, program: str, *arguments: str | Path) -> str:
        command = [str(self._programs / program), *map(str, arguments)]
        if _needs_another_user():
            command = ["runuser", "-u", "postgres", "--", *command]
        command = [*self.inside, *command]
        # The server inherits what it gets, and would hold a pipe open; so a file takes what is said.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", check=False)
            said.seek(0)
            text = said.read().decode(errors="replace")
        assert done.returncode == 0, f"{program} has failed: {text}"
        return text.strip()


class Redis(_Server):
    """A Redis server that keeps nothing when it ends, as a backplane needs it; `settings` are its own, by name."""

    def __init__(self, **settings: str) -> None:
        assert find_redis() is not None, "Redis is missing (apt-get install redis-server)"
        super().__init__("redis")
        self._settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self._folder),
            "save": "",
            "appendonly": "no",
            "logfile": "log",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    def start(self) -> None:
        """Start it (again), empty, and return when it answers."""
        options = [word for name, value in self._settings.items() for word in (f"--{name}", value)]
        program = find_redis()
        assert program is not None
        self._process = subprocess.Popen(
            [*self.inside, program, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self._folder
        )
        ends = time.monotonic() + float(_START_DEADLINE)
        while not self._answers():
            assert self._process.poll() is None, f"Redis has failed: {(self._folder / 'log').read_text()}"
            assert time.monotonic() < ends, "Redis does not answer"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would, also where it is frozen."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it do nothing, and say nothing, until `thaw`; its connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def ask(self, *words: str) -> str:
        """Send it a command; return the first line of the answer. Raise OSError where there is none."""
        with socket.create_connection((self.host, self.port), timeout=5) as line:
            line.sendall(" ".join(words).encode() + b"\r\n")
            return line.makefile().readline().strip()

    def _answers(self) -> bool:
        try:
            return self.ask("PING") == "+PONG"
        except OSError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        if self._process is not None:
            self._process.wait(_END_DEADLINE)
            self._process = None


def _needs_another_user() -> bool:
    """Tell whether this is root, as whom PostgreSQL does not run."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
