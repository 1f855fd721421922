"""The server around any application: configuration, sockets, certificate, start and end."""

import asyncio
import errno
import inspect
import logging
import re
import runpy
import socket
import stat
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypercorn.config import Config

from quart_app.config import Settings
from quart_app.doors import Door, address_to_open
from quart_app.resources import MissingResource, resource
from quart_app.server import event_loop
from quart_app.server.configuration import ServerOptions, StartError, server_config
from quart_app.server.event_loop import ListenerLoop, new_event_loop
from quart_app.server.listening import ListenError, open_doors, open_sockets
from quart_app.server.logs import configure_logging
from quart_app.server.tls import TlsError, local_certificate
from tests.running import eventually


@pytest.mark.parametrize("key", sorted(tomllib.loads(resource("hypercorn.toml").read_text("utf-8"))))
def test_every_key_of_hypercorn_toml_exists_in_hypercorn(key: str) -> None:
    assert key in vars(Config), f"{key} is not a key of Hypercorn's configuration"
    assert not callable(vars(Config)[key])


def test_the_file_takes_effect_and_options_win() -> None:
    settings = Settings()
    config = server_config(settings, ServerOptions())
    assert (config.backlog, config.accesslog, config.read_timeout) == (4096, None, None)
    assert config.websocket_max_message_size == 256 * 1024
    assert server_config(settings, ServerOptions(overrides={"backlog": 7})).backlog == 7


def test_the_operators_file_wins_over_ours(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("backlog = 9\n")
    config = server_config(Settings(), ServerOptions(config_file=own))
    assert (config.backlog, config.keep_alive_timeout) == (9, 75)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("backlog = ", "is not TOML"),
        ("backlogg = 1", "backlogg is not a key"),
        ("_bind = ['x']", "_bind is not a key"),
        ("create_sockets = 1", "create_sockets is not a key"),
        ("bind = ['0.0.0.0:80']", "ENVIVO_HOST"),
        ("workers = 2", "ENVIVO_WORKERS says how many processes serve"),
    ],
)
def test_a_file_that_cannot_be_served_with_is_refused(text: str, told: str, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(StartError, match=told):
        server_config(Settings(), ServerOptions(config_file=own))


def test_accepted_connections_inherit_what_finds_dead_peers() -> None:
    [listener] = open_sockets(Door(), 10.0)
    with listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), _accept(listener) as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0
            wanted = {"TCP_KEEPIDLE": 2, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 10_000}
            for name, value in wanted.items():
                option = getattr(socket, name, None)
                if option is not None and sys.platform == "linux":
                    assert accepted.getsockopt(socket.IPPROTO_TCP, option) == value


def _accept(listener: socket.socket) -> socket.socket:
    listener.setblocking(True)
    return listener.accept()[0]


def test_localhost_is_every_loopback_address_on_one_port() -> None:
    opened = open_sockets(Door(host="localhost"), 60)
    try:
        assert len({bound.getsockname()[1] for bound in opened}) == 1
        assert address_to_open(opened[0].getsockname(), "http").startswith("http://")
    finally:
        for bound in opened:
            bound.close()


def test_a_taken_port_tells_what_to_type() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"port {port} is taken by .*envivo serve --port"):
            open_sockets(Door(port=port), 60)


@pytest.mark.parametrize("host", ["203.0.113.9", "no-such-host.invalid", "a..b"])
def test_a_host_that_is_not_this_machine_is_told(host: str) -> None:
    with pytest.raises(ListenError, match=r"type --host 127\.0\.0\.1"):
        open_sockets(Door(host=host), 60)


@pytest.mark.parametrize("host", ["203.0.113.9", "no-such-host.invalid"])
def test_of_another_door_it_is_told_how_that_is_typed(host: str) -> None:
    with pytest.raises(ListenError, match=r"type --door lan=127\.0\.0\.1:8001,…"):
        open_sockets(Door(name="lan", host=host, port=8001), 60)


@pytest.mark.parametrize("hosts", [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")])
def test_of_two_doors_at_one_address_both_are_told(hosts: tuple[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    doors = [Door(name=name, host=host, port=port) for name, host in zip(("front", "a"), hosts, strict=True)]
    for order in (doors, [Door(), *(Door(name=f"{door.name}-2", host=door.host, port=port) for door in doors)]):
        *_, one, other = order
        told = f"the doors {one.name} and {other.name} would both be at {other.host}:{port}; type --door {other.name}="
        with pytest.raises(ListenError, match=re.escape(told)):
            open_doors(order, 60)


def test_doors_at_free_ports_and_at_other_addresses_are_apart() -> None:
    opened = open_doors([Door(), Door(name="a"), Door(name="b", host="127.0.0.2")], 60)
    addresses = {listener.getsockname() for _, listeners in opened for listener in listeners}
    for _, [listener] in opened:
        listener.close()
    assert len(addresses) == 3


def test_a_port_that_needs_rights_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may bind every port, so the system's refusal itself is put in its place.
    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(ListenError, match="port 80 needs more rights than you have"):
        open_sockets(Door(port=80), 60)


def test_the_certificate_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite://{tmp_path}/envivo.db")
    made = local_certificate(settings)
    before = made.certificate.read_bytes()
    assert local_certificate(settings) == made
    assert made.certificate.read_bytes() == before
    assert b"PRIVATE KEY" not in made.authority.read_bytes()
    if sys.platform != "win32":
        assert stat.S_IMODE(made.certificate.stat().st_mode) == 0o600


def test_the_certificate_is_made_again_for_another_host_or_when_damaged(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/envivo.db"
    made = local_certificate(Settings(database_url=url))
    first = made.certificate.read_bytes()
    local_certificate(Settings(database_url=url, host="192.168.1.7", access="secure"))
    second = made.certificate.read_bytes()
    made.certificate.write_bytes(b"half a file")
    local_certificate(Settings(database_url=url))
    assert len({first, second, made.certificate.read_bytes(), b"half a file"}) == 4


def test_a_certificate_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "envivo-tls").write_text("in the way")
    with pytest.raises(TlsError, match="envivo-tls"):
        local_certificate(Settings(database_url=f"sqlite://{tmp_path}/envivo.db"))


def test_what_is_logged_goes_to_the_file(tmp_path: Path) -> None:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    try:
        configure_logging(Settings(log_file=str(tmp_path / "logs" / "websocket.log"), log_level="warning"))
        logging.getLogger("quart_app.anything").warning("it rains")
        logging.getLogger("quart_app.anything").info("it shines")
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = kept
        root.setLevel(level)
    written = (tmp_path / "logs" / "websocket.log").read_text()
    assert "WARNING quart_app.anything: it rains" in written
    assert "shines" not in written


def test_a_missing_file_of_the_program_is_told() -> None:
    with pytest.raises(MissingResource, match="no-such-file"):
        resource("no-such-file")


async def _held_server(loop: Any) -> tuple[asyncio.AbstractServer, socket.socket, asyncio.Event]:
    """Return a server, a client connected to it, and an event that is set when its connection is lost."""
    connected, lost = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        writer.write(b"x" * 10_000_000)  # more than the system buffers: closing in good order would wait for it
        await reader.read()
        lost.set()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = loop._open_listeners[0]._server.sockets[0].getsockname()
    client = socket.create_connection(address)
    await asyncio.wait_for(connected.wait(), 5)
    return listening, client, lost


@pytest.fixture(params=["uvloop", "asyncio"])
def new_loop(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the server's loop, with uvloop and where there is none."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
        return partial(new_event_loop, held=True)
    monkeypatch.setitem(sys.modules, "uvloop", None)
    return partial(runpy.run_path(event_loop.__file__)["new_event_loop"], held=True)


def _ends_with(told: list[BaseException | None], error: BaseException) -> bool:
    return told[-1:] == [error]


def test_the_loop_runs_until_its_own_end_whatever_it_calls(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    told: list[BaseException | None] = []

    def ends(error: BaseException) -> None:
        raise error

    async def rude() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            sys.exit("at the end")

    async def main() -> int:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context.get("exception")))
        kept = loop.create_task(rude())
        ways: list[Callable[..., Any]] = [loop.call_soon, partial(loop.call_later, 0.001)]
        ways.append(partial(asyncio.to_thread, loop.call_soon_threadsafe))  # type: ignore[arg-type]  # of many kinds
        for kind in (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError):
            for call in ways:
                error = kind("a callback")
                if inspect.isawaitable(called := call(ends, error)):
                    await called
                await eventually(partial(_ends_with, told, error))
        with pytest.raises(RuntimeError, match="not for stopping"):
            loop.stop()
        with pytest.raises(RuntimeError, match="already running"):
            loop.run_until_complete(kept)
        return 7

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(main()) == 7
    assert str(told[-1]) == "at the end"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), ValueError()])
def test_the_loop_raises_what_its_own_task_raises(
    new_loop: Callable[[], asyncio.AbstractEventLoop], error: BaseException
) -> None:
    async def main() -> None:
        raise error

    with asyncio.Runner(loop_factory=new_loop) as runner, pytest.raises(type(error)) as raised:
        runner.run(main())
    assert raised.value is error or isinstance(error, asyncio.CancelledError)


def test_the_loop_stops_listening_and_cuts_off_what_stays() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ListenerLoop)
        listening, client, lost = await _held_server(loop)
        with client:
            address = client.getpeername()
            loop.close_listeners()
            # Python 3.12 and later would wait here for as long as the client stays.
            await asyncio.wait_for(listening.wait_closed(), 5)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address)
            assert not lost.is_set()
            loop.abort_connections()
            await asyncio.wait_for(lost.wait(), 5)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())


async def test_lines_of_one_turn_are_written_together_and_a_warning_at_once(tmp_path: Path) -> None:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    file = tmp_path / "envivo.log"
    try:
        configure_logging(Settings(log_file=str(file)))
        logger = logging.getLogger("quart_app.anything")
        logger.info("first")
        logger.info("second")
        assert file.read_text() == ""
        await asyncio.sleep(0)
        first, second = file.read_text().splitlines()
        assert first.endswith("INFO quart_app.anything: first")
        assert second.endswith("INFO quart_app.anything: second")
        logger.info("third")
        logger.warning("fourth")
        assert [line.rpartition(" ")[2] for line in file.read_text().splitlines()[2:]] == ["third", "fourth"]
        await asyncio.to_thread(logger.info, "fifth")
        assert file.read_text().endswith("fifth\n")
        logger.info("sixth")
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = kept
        root.setLevel(level)
    assert file.read_text().endswith("sixth\n")
