"""Users of a server in secure mode: one who does as they please, and one who wants no more than what is theirs."""

import asyncio
import contextlib
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
import websockets

from tests.running import ServerProcess
from tests.secure import SECURE, bearer, token

DEADLINE = 20.0  # s


class Unwatched(ServerProcess):
    """A server whose messages are not held to its documents, which would take memory for each type of message."""

    module = "quart_app"


@contextlib.contextmanager
def secure_server(folder: Path, **settings: Any) -> Iterator[ServerProcess]:
    """A server in secure mode, which has to end well."""
    server = Unwatched(folder, **SECURE, **settings)
    try:
        yield server.start()
    finally:
        server.check_clean_end()


def as_user(url: str, user: str, role: str = "user") -> httpx.AsyncClient:
    """Return an HTTP client that speaks for a user."""
    return httpx.AsyncClient(base_url=url, headers=bearer(token(user, role)), timeout=DEADLINE)


@contextlib.asynccontextmanager
async def connected(url: str, user: str, *topics: str) -> AsyncIterator[Any]:
    """A WebSocket of a user, which is cut in the end."""
    query = "&".join([f"topic={topic}" for topic in topics] + [f"token={token(user)}"])
    socket = await websockets.connect(f"{url.replace('http', 'ws', 1)}/ws?{query}", compression=None)
    try:
        yield socket
    finally:
        socket.transport.abort()


async def answers(socket: Any, messages: Sequence[dict[str, Any]]) -> Counter[str]:
    """Send all messages at once, and count how each was answered: by the code of the error, else by the type."""
    told: Counter[str] = Counter()
    own = secrets.token_hex(4)

    async def read() -> None:
        while told.total() < len(messages):
            answer = json.loads(await socket.recv())
            if str(answer.get("key")).startswith(own):
                told[answer["data"]["code"] if answer["type"] == "error" else answer["type"]] += 1

    async with asyncio.timeout(DEADLINE):
        reading = asyncio.create_task(read())
        for number, message in enumerate(messages):
            await socket.send(json.dumps(message | {"key": f"{own}{number}"}))
        await reading
    return told


def resident(server: ServerProcess) -> int:
    """Return the bytes of a server's process that are in memory."""
    return int(psutil.Process(server.pid).memory_info().rss)


@contextlib.asynccontextmanager
async def undisturbed(url: str, *paths: str) -> AsyncIterator[None]:
    """Let another user ask for `paths` over and over meanwhile, and once more; fail where one is refused."""
    async with as_user(url, "victim") as victim:

        async def ask() -> None:
            for path in paths:
                answer = await victim.get(path)
                assert answer.status_code == 200, (path, answer.text)

        async def ask_again() -> None:
            while True:
                await ask()
                await asyncio.sleep(0.1)

        await ask()
        asking = asyncio.create_task(ask_again())
        try:
            yield
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
        await ask()
