"""`envivo serve`, as somebody at a terminal meets it."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from tests.running import ServerProcess, ended_by, eventually, wait_until

KEY = "a key for tests that nobody is to guess"
ONE_SIGNAL = 0.5  # s in which a second signal is the same as the first
MakeServer = Callable[..., ServerProcess]


def envivo(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ENVIVO_")}
    return subprocess.run(
        [sys.executable, "-m", "quart_app", *arguments],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_prints_the_address_that_answers(server: ServerProcess) -> None:
    assert server.log().splitlines()[-1] == f"En Vivo: {server.url}"
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_envivo_alone_serves(tmp_path: Path) -> None:
    environment = os.environ | {"ENVIVO_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "quart_app"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("En Vivo: http://127.0.0.1:")
        assert (tmp_path / "envivo.db").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


@pytest.mark.parametrize("command", ["", "serve", "chat", "tail", "send", "token", "migrate", "selftest", "bench"])
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    shown = envivo(*command.split(), "--help", cwd=tmp_path)
    assert shown.returncode == 0
    assert shown.stdout.startswith("Usage:")
    assert list(tmp_path.iterdir()) == []


def test_the_commands_find_the_server_of_their_folder(server: ServerProcess, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ENVIVO_PORT={server.port}\nENVIVO_USERNAME=Alicia\nENVIVO_TOKEN=unasked\n")
    sent = envivo("send", "rooms/1", '{"type": "message", "content": "Hola"}', cwd=tmp_path)
    assert sent.returncode == 0, sent.stderr
    said = httpx.get(f"{server.url}/api/rooms/1/messages").json()["data"]
    assert said[-1]["username"] == "Alicia"


def test_a_dotenv_file_of_another_program_keeps_no_command_from_its_work(server: ServerProcess, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("a line of its own\nENVIVO_PROT=9000\n")
    refused = envivo("serve", cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: .env, line 1 is 'a line of its own'; it may be ")
    sent = envivo("send", "log/a", '{"type": "x"}', "--url", server.url, cwd=tmp_path)
    assert sent.returncode == 0, sent.stderr


def test_a_taken_port_names_its_holder_and_the_remedy(server: ServerProcess, tmp_path: Path) -> None:
    refused = envivo("serve", "--port", str(server.port), cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"En Vivo cannot start: port {server.port} is taken by ")
    assert str(server.pid) in refused.stderr
    assert "envivo serve --port " in refused.stderr
    assert not (tmp_path / "envivo.db").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "abc"], "ENVIVO_PORT (--port) is 'abc'; it may be a whole number from 0 to 65535"),
        (["--host", "0.0.0.0"], "ENVIVO_ACCESS=secure"),
        (["--workers", "4"], "it may be 1 with SQLite, whose file one process opens"),
        (["--port", "0", "--server", "backlogg=3"], "backlogg is not a key of Hypercorn's configuration"),
        (["--port", "0", "--server", "bind='x'"], "ENVIVO_HOST and ENVIVO_PORT say where to listen"),
        (["--port", "0", "--server", "workers=2"], "ENVIVO_WORKERS says how many processes serve"),
        (["--port", "0", "--database-url", "sqlite://missing/envivo.db"], "missing"),
        (["--port", "0", "--door", "lan=127.0.0.1:0,safe"], "a word of the door lan in ENVIVO_DOOR (--door) is 'safe'"),
        (
            ["--port", "0", "--door", "a=127.0.0.9:8711", "--door", "b=127.0.0.9:8711"],
            "the doors a and b would both be at 127.0.0.9:8711; type --door b=127.0.0.9:8712,…",
        ),
        (
            ["--port", "0", "--secret-key", KEY, "--door", "lan=203.0.113.9:8001,secure"],
            "203.0.113.9 is not an address of this machine; type --door lan=127.0.0.1:8001,…",
        ),
        (
            ["--port", "0", "--oidc-issuer", "https://a.example", "--oidc-client-id", "x"],
            "ENVIVO_OIDC_ISSUER (--oidc-issuer) is 'https://a.example'; it may be left out",
        ),
        (["--port", "0", "--claim-rules", "sub=*:user"], "ENVIVO_CLAIM_RULES cannot do without it"),
    ],
)
def test_what_cannot_be_served_is_told_in_words(arguments: list[str], told: str, tmp_path: Path) -> None:
    refused = envivo("serve", *arguments, cwd=tmp_path)
    assert refused.returncode == 1
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_proxy_that_everybody_can_be_is_warned_of(make_server: MakeServer) -> None:
    assert "has 0.0.0.0/0, which is everybody" in make_server(trusted_proxies="0.0.0.0/0").log()


def test_a_file_that_is_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "envivo.db").write_text("a letter to my aunt\n" * 100)
    refused = envivo("serve", "--port", "0", cwd=tmp_path)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "envivo.db is not a SQLite database" in refused.stderr
    assert (tmp_path / "envivo.db").read_text().startswith("a letter")


def test_options_win_over_the_files(make_server: MakeServer, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("websocket_max_message_size = 2000\ninclude_server_header = true\n")
    server = make_server("--server-config", str(own), "--server", "include_server_header=false")
    assert "server" not in httpx.get(f"{server.url}/health").headers


def test_tls_serves_http2_with_a_certificate_for_localhost(make_server: MakeServer) -> None:
    server = make_server("--tls")
    authority = server.folder / "envivo-tls" / "authority.pem"
    assert str(authority) in server.log()
    with httpx.Client(http2=True, verify=server.tls) as client:
        for host in ("127.0.0.1", "localhost"):
            answer = client.get(f"https://{host}:{server.port}/health")
            assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
    made = authority.read_bytes()
    assert server.stop() == 0
    server.start()
    assert authority.read_bytes() == made


class FreshProcess(ServerProcess):
    """A server that imports everything itself."""

    processes = multiprocessing.get_context("spawn")


@pytest.fixture
def without_uvloop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerProcess]:
    """A server on a machine that has no uvloop."""
    (tmp_path / "uvloop.py").write_text("raise ImportError('there is none for this platform')")
    monkeypatch.syspath_prepend(tmp_path)
    server = FreshProcess(tmp_path, log_level="debug")
    yield server.start()
    server.check_clean_end()


async def test_ctrl_c_says_bye_to_a_thousand_clients_within_five_seconds(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server)
    await _drain(server, crowd=1000)


async def test_it_leaves_as_fast_without_uvloop(without_uvloop: ServerProcess) -> None:
    assert "asyncio: Using selector" in without_uvloop.log()
    await _drain(without_uvloop, crowd=100)


async def _drain(server: ServerProcess, crowd: int) -> None:
    url = f"ws://127.0.0.1:{server.port}/ws/live/crowd"
    clients = []
    for _ in range(crowd // 50):
        clients += await asyncio.gather(*(websockets.connect(url) for _ in range(50)))
    await asyncio.gather(*(client.recv() for client in clients))

    began = time.monotonic()
    server.send_signal(signal.SIGINT)
    byes = [json.loads(message) for message in await asyncio.gather(*(client.recv() for client in clients))]
    assert await asyncio.to_thread(server.wait) == 0
    assert time.monotonic() - began < 5

    assert {bye["type"] for bye in byes} == {"bye"}
    assert len({bye["data"]["retry_after"] for bye in byes}) > crowd / 2
    for client in clients:
        await client.wait_closed()
    assert {client.close_code for client in clients} == {1001}
    assert "Traceback" not in server.log()


async def test_a_thousand_clients_that_do_not_answer_a_close_frame_do_not_fill_the_log(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server)
    with contextlib.ExitStack() as clients:
        for _ in range(20):
            for deaf in await asyncio.gather(*(_deaf_websocket(server.port) for _ in range(50))):
                clients.enter_context(deaf)
        began = time.monotonic()
        assert await asyncio.to_thread(server.stop) == 0
        assert time.monotonic() - began < 7
    said = server.log().splitlines()
    assert "Traceback (most recent call last):" not in said
    assert [line for line in said if "ERROR" in line] == []


async def test_new_connections_are_refused_while_it_leaves(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server)

    def refused() -> bool:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        return False

    # A client that never answers the close frame keeps the server waiting for as long as it is willing to.
    with await _deaf_websocket(server.port):
        server.send_signal(signal.SIGTERM)
        await eventually(refused, 2)
        assert server.running()
        assert await asyncio.to_thread(server.wait) == 0


async def test_a_second_ctrl_c_ends_it_at_once(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server)
    async with _stalled_stream(server):
        server.send_signal(signal.SIGINT)
        began = time.monotonic()
        await eventually(lambda: "Ctrl-C again" in server.log())
        await eventually(lambda: ended_by(signal.SIGINT, server), 2)
        assert server.wait() == 130
        assert time.monotonic() - began > ONE_SIGNAL
    assert "Traceback" not in server.log()


async def test_a_ctrl_c_that_comes_twice_counts_once(make_server: MakeServer) -> None:
    """The terminal sends it to every process, and a launcher may send it on."""
    server = await asyncio.to_thread(make_server)
    async with _stalled_stream(server):
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            server.send_signal(number)
        assert await asyncio.to_thread(server.wait) == 0


async def test_a_client_that_reads_nothing_does_not_hold_it(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server)
    async with _stalled_stream(server):
        began = time.monotonic()
        assert await asyncio.to_thread(server.stop) == 0
        assert time.monotonic() - began < 6
    assert "Traceback" not in server.log()


@contextlib.asynccontextmanager
async def _stalled_stream(server: ServerProcess) -> AsyncIterator[None]:
    """A client that reads nothing of what it is sent: to tell it to leave takes the server seconds."""
    with socket.create_connection(("127.0.0.1", server.port)) as stalled:
        stalled.sendall(b"GET /sse/log/stall HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.to_thread(stalled.recv, 1024)
        async with httpx.AsyncClient(base_url=server.url) as client:
            note = {"topic": "log/stall", "type": "note", "data": "x" * 8000}
            for _ in range(40):
                published = await client.post("/api/publish", json=[note] * 25)
                assert published.status_code == 202
        yield


def test_kill_9_leaves_a_file_that_starts_again(make_server: MakeServer) -> None:
    server = make_server()
    server.kill()
    server.start()
    assert wait_until(server.healthy)


async def _deaf_websocket(port: int) -> socket.socket:
    """Return a WebSocket that has been welcomed and will not answer anything from now on."""
    deaf = socket.create_connection(("127.0.0.1", port))
    deaf.sendall(
        b"GET /ws/live/deaf HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    received = b""
    while b"connection_id" not in received:
        received += await asyncio.to_thread(deaf.recv, 65536)
    return deaf
