"""The processes of a cluster: each has its log file, and is known to the keeper, which ends it in the end."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quart_app.cluster import keeper
from quart_app.cluster.errors import ClusterError

SERVER, NODE = 0, 1
"""The turns of the end: the nodes first, then the servers that they are on."""

_LAST_LINES: Final = 5  # of a log, which tell why a process has failed


@dataclass(frozen=True)
class Program:
    """What to run: the words of its command, where it says what it does, and how it is ended in good order."""

    words: tuple[str, ...]
    log: Path
    turn: int
    ending: signal.Signals = signal.SIGTERM
    folder: Path | None = None
    environment: Mapping[str, str] | None = None
    user: str | None = None
    """As whom it runs; None for whoever runs this."""
    given: bytes = b""
    """What it reads on standard input."""


class Keeper:
    """The folder of a cluster, and the program that ends all and removes it once nobody holds the pipe open."""

    def __init__(self, folder: Path, pipe: int) -> None:
        self.folder = folder
        self._pipe = pipe

    async def start(self, program: Program) -> asyncio.subprocess.Process:
        """Start a program. Raise ClusterError where it cannot be run."""
        other_user: dict[str, Any] = {}
        if program.user is not None:
            other_user = {"user": program.user, "group": program.user, "extra_groups": []}
        with program.log.open("ab") as log:
            try:
                process = await asyncio.create_subprocess_exec(
                    *program.words,
                    stdin=asyncio.subprocess.PIPE if program.given else asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=program.folder or self.folder,
                    env=program.environment,
                    start_new_session=True,  # Ctrl-C is for the command alone
                    **other_user,
                )
            except OSError as error:
                raise ClusterError(f"{program.words[0]} cannot be run: {error.strerror}") from error
        self._say(f"+ {process.pid} {program.turn} {program.ending.value}")
        if process.stdin is not None:
            process.stdin.write(program.given)
            process.stdin.close()
        return process

    def ended(self, process: asyncio.subprocess.Process) -> None:
        """Note that a process is over: its number may become that of another one."""
        self._say(f"- {process.pid}")

    def _say(self, line: str) -> None:
        os.write(self._pipe, f"{line}\n".encode())


@asynccontextmanager
async def kept() -> AsyncIterator[Keeper]:
    """Give a keeper with a new folder; all that was started by it ends with this, and the folder is removed."""
    folder = tempfile.mkdtemp(prefix="envivo-nodes-")
    reading, writing = os.pipe()
    try:
        words = (sys.executable, "-I", keeper.__file__, folder)
        # One of asyncio's own would be killed with the event loop.
        keeping = subprocess.Popen(words, stdin=reading, cwd="/", start_new_session=True)  # noqa: ASYNC220, S603 - our own words
    except BaseException:
        os.rmdir(folder)
        raise
    finally:
        os.close(reading)
    try:
        yield Keeper(Path(folder), writing)
    finally:
        with suppress(OSError):  # somebody has killed the keeper
            os.write(writing, b"end\n")
        os.close(writing)
        await asyncio.shield(asyncio.to_thread(keeping.wait))


def last_lines(log: Path) -> str:
    """Return the end of a log, for people."""
    with suppress(OSError):
        return "\n".join(log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:])
    return ""


def is_root() -> bool:
    """Return whether this is root, as whom PostgreSQL does not run."""
    return os.geteuid() == 0
