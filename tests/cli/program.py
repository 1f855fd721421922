"""Run `envivo` as a shell does, to its end or beside the test."""

import asyncio
import contextlib
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

from quart_app.config import CLIENT_VARIABLES

DEADLINE = 30.0


def environment(url: str) -> dict[str, str]:
    """Return the environment of a user whose server is at `url`."""
    clean = {
        name: value for name, value in os.environ.items() if name not in {*CLIENT_VARIABLES, "USER_ID", "USERNAME"}
    }
    return {**clean, "ENVIVO_URL": url, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def envivo(url: str, *arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end and return what became of it."""
    return subprocess.run(
        [sys.executable, "-m", "quart_app", *arguments],
        env=environment(url),
        input=input,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE * 3,
        check=False,
    )


@contextlib.asynccontextmanager
async def running(url: str, *arguments: str) -> AsyncIterator[Process]:
    """Run the command beside the test; it is killed in the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "quart_app", *arguments, env=environment(url), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(stream: asyncio.StreamReader | None) -> str:
    """Return the next line of a stream, without its line break."""
    assert stream is not None
    return (await asyncio.wait_for(stream.readline(), DEADLINE)).decode().rstrip("\r\n")


async def line_with(stream: asyncio.StreamReader | None, text: str) -> str:
    """Return the next line that contains `text`."""
    while text not in (found := await line(stream)):
        assert found, f"the stream ended without {text!r}"
    return found
