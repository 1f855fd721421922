"""What a server leaves on the disk is its user's alone, and opens no door to who reads it all the same."""

import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.running import ServerProcess

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there the file system decides")

SECURE: dict[str, Any] = {"access": "secure", "secret_key": "a key that is long enough for HS256 and no more"}
OURS = "server.log"  # which the test itself keeps


def modes(folder: Path) -> dict[str, int]:
    found = {str(path.relative_to(folder)): path.stat().st_mode for path in folder.rglob("*")}
    return {name: stat.S_IMODE(mode) for name, mode in found.items() if name != OURS}


def readable_to_others(folder: Path) -> list[str]:
    return [f"{name} {mode:o}" for name, mode in modes(folder).items() if mode & 0o077]


def test_nobody_else_reads_the_database_and_the_logs(make_server: Any) -> None:
    server: ServerProcess = make_server(log_file="logs/deep/websocket.log")
    httpx.post(f"{server.url}/api/productos", json={"nombre": "Té", "precio": 1})
    there = set(modes(server.folder))
    assert {"envivo.db", "envivo.db-wal", "envivo.db-shm", "envivo-security.log", "logs/deep/websocket.log"} <= there
    assert readable_to_others(server.folder) == []


def test_what_an_older_version_has_left_open_is_closed(make_server: Any) -> None:
    server: ServerProcess = make_server(log_file="websocket.log")
    server.stop()
    (server.folder / "envivo.db.before-0008_terms.bak").touch()
    for path in server.folder.iterdir():
        path.chmod(0o644)
    stranger = server.folder / "notes.txt"
    stranger.touch(0o644)
    server.start()
    assert readable_to_others(server.folder) == ["notes.txt 644"]


@pytest.mark.parametrize("arguments", [("--tls",), ()], ids=["http2", "http1"])
async def test_no_token_is_logged_however_much_is(make_server: Any, arguments: tuple[str, ...]) -> None:
    server: ServerProcess = make_server(*arguments, **SECURE, log_level="debug", log_file="websocket.log")
    tokens = [
        issue_token(load_settings(**SECURE).front, Identity(f"{number}", "Ana", "admin"), timedelta(hours=1))
        for number in range(5)
    ]
    async with httpx.AsyncClient(base_url=server.url, http2=True, verify=server.tls) as client:
        await client.get("/api/rooms", headers={"Authorization": f"Bearer {tokens[0]}"})
        await client.get("/api/rooms", params={"token": tokens[1]})
        await client.get("/api/rooms", headers={"Cookie": f"envivo_token={tokens[2]}"})
        entered = await client.post("/session", data={"token": tokens[3]}, headers={"Origin": server.url})
        assert entered.status_code == 303
    address = f"{server.url.replace('http', 'ws', 1)}/ws/rooms/1?token={tokens[4]}"
    tls = server.tls if arguments else None
    async with websockets.connect(address, ssl=tls) as socket:
        await socket.recv()
    server.stop()
    logged = server.log() + (server.folder / "websocket.log").read_text("utf-8")
    assert "DEBUG" in logged
    assert [token for token in tokens if token in logged or token.rpartition(".")[2] in logged] == []
