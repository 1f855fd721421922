"""Who is measured: each server's command, how it is spoken to, what it takes part in, and whether it can run here."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quart_app.cli.bench.dialect import EN_VIVO, Dialect

CHECKOUT: Final = Path(__file__).parents[2]
PEERS: Final = Path(__file__).parent / "peers"
PEERS_PYTHON: Final = CHECKOUT / ".venv-bench" / "bin" / "python"
NCHAN_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

_FAN_OUT: Final = ("connections", "web-sockets", "event-streams", "senders", "latency")

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
    where it can run."""

    name: str
    command: Callable[[Path, int], list[str]]
    groups: tuple[str, ...] = _FAN_OUT
    dialect: Dialect = EN_VIVO
    missing: Callable[[], str | None] = lambda: None
    environment: Callable[[Path, int], Mapping[str, str]] = lambda folder, port: {}
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


def _nchan(folder: Path, port: int) -> list[str]:
    form = (PEERS / "nchan.conf.in").read_text("utf-8")
    conf = folder / "nginx.conf"
    conf.write_text(form.replace("{folder}", str(folder)).replace("{port}", str(port)), "utf-8")
    return ["nginx", "-c", str(conf)]


def _epoll(folder: Path, port: int) -> list[str]:
    program = folder / "epoll"
    subprocess.run(["cc", "-O2", "-o", str(program), str(PEERS / "epoll.c")], check=True)
    return [str(program)]


def _no_python_peers() -> str | None:
    return None if (PEERS_PYTHON.parents[1] / ".peers").exists() else "its packages are not installed in .venv-bench"


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
        "ENVIVO_DATABASE_URL": f"sqlite://{folder / 'envivo.db'}",
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
        (*_FAN_OUT, "inside", "durable", "thousands", "resume", "returning"),
        environment=_settings,
        room="rooms/1",
        turns=TURNS,
        restarts=True,
    ),
    Contender(BARE, _module("tests.bench.peers.bare"), (*_FAN_OUT, "inside", "thousands"), turns=TURNS),
    Contender(
        EPOLL,
        _epoll,
        ("connections", "inside"),
        dialect=Dialect(events=None),
        missing=_no_compiler,
        turns=TURNS,
    ),
    Contender(
        PLAIN,
        lambda folder, port: [sys.executable, "-m", "tests.bench.plain", str(folder / "plain.db")],
        (*_FAN_OUT, "inside", "durable"),
        room="rooms/1",
        turns=TURNS,
    ),
    Contender("FastAPI", _python_peer("fastapi_peer"), missing=_no_python_peers),
    Contender("Litestar", _python_peer("litestar_peer"), missing=_no_python_peers),
    Contender(
        "python-socketio",
        _python_peer("socketio_peer"),
        ("connections", "web-sockets", "senders", "latency"),
        dialect=SOCKET_IO,
        missing=_no_python_peers,
    ),
    Contender("Node ws", _node_peer("ws"), (*_FAN_OUT, "thousands"), missing=_no_node_peers),
    Contender(
        "Socket.IO",
        _node_peer("socketio"),
        ("connections", "web-sockets", "senders", "latency"),
        dialect=SOCKET_IO,
        missing=_no_node_peers,
    ),
    Contender("Nchan", _nchan, dialect=NCHAN, missing=_no_nchan, silent=True),
)


def named(name: str) -> Contender:
    """Raises KeyError."""
    return {contender.name: contender for contender in CONTENDERS}[name]
