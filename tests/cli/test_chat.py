"""`envivo chat` as somebody at a terminal, and somebody with a pipe, meet it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from tests.cli.program import DEADLINE, environment, envivo, line_with, running
from tests.client.traffic import client, until
from tests.running import ServerProcess


def test_piped_lines_are_said_and_shown_before_it_leaves(server: ServerProcess) -> None:
    left = envivo(server.url, "chat", "1", "--username", "Bot", input="Hola\n//slash\n\n")
    assert left.returncode == 0
    lines = left.stdout.splitlines()
    assert lines[0] == "— room 1: Bot"
    assert [line.split(" ", 1)[1] for line in lines[1:]] == ["Bot: Hola", "Bot: /slash"]
    assert "connected · ws" in left.stderr


@pytest.mark.parametrize("named", [{"USERNAME": "Alicia"}, {"ENVIVO_USERNAME": "Alicia", "USERNAME": "desktop"}])
def test_who_speaks_may_come_from_the_environment(
    server: ServerProcess, monkeypatch: pytest.MonkeyPatch, named: dict[str, str]
) -> None:
    monkeypatch.setattr("tests.cli.program.environment", lambda url: environment(url) | named)
    assert envivo(server.url, "chat", "2").stdout.splitlines()[0] == "— room 2: Alicia"


def test_the_commands(server: ServerProcess) -> None:
    left = envivo(
        server.url, "chat", "1", "--username", "Bot", input="/help\n/ping\n/stats\n/typing\n/dance\n/quit\nnever\n"
    )
    assert left.returncode == 0
    assert "/typing  show the others" in left.stdout
    assert "— pong after " in left.stdout
    assert "— room 1: 1 connections, 1 users" in left.stdout
    assert "! no such command: /dance" in left.stdout
    assert "never" not in left.stdout


def test_a_message_the_server_refuses_is_told(server: ServerProcess) -> None:
    left = envivo(server.url, "chat", "1", "--username", "Bot", input="x" * 4001 + "\n")
    assert "! not sent: " in left.stdout
    assert "invalid_content" in left.stdout


def test_no_such_room(server: ServerProcess) -> None:
    left = envivo(server.url, "chat", "999999", "--username", "Bot")
    assert left.returncode == 1
    assert "4404" in left.stderr


async def test_others_are_heard(server: ServerProcess) -> None:
    async with running(server.url, "chat", "2", "--username", "Ana") as ana:
        await line_with(ana.stdout, "— room 2: Ana")
        async with client(server.url, "rooms/2", params={"user_id": 7, "username": "Luis"}) as luis:
            await line_with(ana.stdout, "→ Luis joined")
            sent = await luis.send("rooms/2", {"type": "message", "content": "¿Hay alguien?"})
            await line_with(ana.stdout, "Luis: ¿Hay alguien?")
            assert (await until(luis, "read"))["data"]["message_id"] == sent["message_id"]
        await line_with(ana.stdout, "← Luis left")


if sys.platform != "win32":
    import fcntl
    import pty
    import struct
    import termios

    class Terminal:
        """A terminal with `envivo chat` in it: what is on its screen is what was ever written to it."""

        def __init__(self, master: int, process: asyncio.subprocess.Process) -> None:
            self._master = master
            self.process = process
            self.screen = ""
            self._changed = asyncio.Event()
            asyncio.get_running_loop().add_reader(master, self._read)

        def _read(self) -> None:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""
            if not data:
                asyncio.get_running_loop().remove_reader(self._master)
            # A terminal that is asked where its cursor is answers; without it there is no toolbar.
            for _ in range(data.count(b"\x1b[6n")):
                os.write(self._master, b"\x1b[1;1R")
            self.screen += data.decode(errors="replace")
            self._changed.set()

        def type(self, keys: str) -> None:
            os.write(self._master, keys.encode())

        async def shows(self, text: str) -> None:
            """Returns when the text has been written since the last time; forgets what was before it."""
            try:
                async with asyncio.timeout(DEADLINE):
                    while text not in self.screen:
                        self._changed.clear()
                        await self._changed.wait()
            except TimeoutError:
                raise AssertionError(f"no {text!r} in {self.screen!r}") from None
            self.screen = self.screen.split(text, 1)[1]

        async def ends(self) -> int:
            return await asyncio.wait_for(self.process.wait(), DEADLINE)

    @contextlib.asynccontextmanager
    async def terminal(url: str, *arguments: str) -> AsyncIterator[Terminal]:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "quart_app",
            *arguments,
            env={**environment(url), "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        shown = Terminal(master, process)
        try:
            yield shown
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            asyncio.get_running_loop().remove_reader(master)
            os.close(master)

    async def test_a_conversation_in_a_terminal(server: ServerProcess) -> None:
        async with (
            client(server.url, "rooms/1", params={"user_id": 7, "username": "Luis"}) as luis,
            terminal(server.url, "chat", "1", "--username", "Ana") as ana,
        ):
            assert (await until(luis, "user_joined"))["data"]["username"] == "Ana"
            await ana.shows("— room 1: ")
            await ana.shows("connected · ws")

            ana.type("Hola a ")
            assert (await until(luis, "typing"))["data"]["is_typing"] is True
            ana.type("todos\r")
            assert (await until(luis, "message"))["data"]["content"] == "Hola a todos"
            await ana.shows("Ana: Hola a todos")

            await luis.send("rooms/1", {"type": "typing", "is_typing": True})
            await ana.shows("Luis typing…")
            await luis.send("rooms/1", {"type": "message", "content": "Hola Ana"})
            await ana.shows("Luis: Hola Ana")

            ana.type("/ping\r")
            await ana.shows("— pong after ")
            ana.type("/quit\r")
            assert await ana.ends() == 0
            assert (await until(luis, "user_left"))["data"]["username"] == "Ana"

    @pytest.mark.parametrize("key", ["\x03", "\x04"])
    async def test_ctrl_c_and_ctrl_d_leave(server: ServerProcess, key: str) -> None:
        async with terminal(server.url, "chat", "1", "--username", "Ana") as ana:
            await ana.shows("connected · ws")
            ana.type(key)
            assert await ana.ends() in (0, 130)
            assert "Traceback" not in ana.screen

    async def test_a_room_that_does_not_exist_leaves_the_terminal(server: ServerProcess) -> None:
        async with terminal(server.url, "chat", "999999", "--username", "Ana") as ana:
            await ana.shows("4404")
            assert await ana.ends() == 1

    async def test_ctrl_c_with_a_pipe_leaves_no_traceback(server: ServerProcess) -> None:
        async with running(server.url, "chat", "1", "--username", "Ana") as ana:
            await line_with(ana.stdout, "— room 1")
            ana.send_signal(signal.SIGINT)
            _, errors = await asyncio.wait_for(ana.communicate(), DEADLINE)
            assert ana.returncode == 130
            assert b"Traceback" not in errors
            assert b"Fatal" not in errors
