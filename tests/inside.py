"""The whole program in the test's own loop, on a real socket, for what can only be seen from inside."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
from hypercorn.asyncio import serve
from hypercorn.config import Config

from quart_app.app import EnVivo, create_app
from quart_app.config import load_settings
from quart_app.transports.below.tcp import serve_tidily
from tests.wire.contract import hold_messages

DEADLINE = 10.0  # s


@contextlib.asynccontextmanager
async def serving(
    database: Path,
    around: Callable[[Any], Any] = lambda application: application,
    way: str = "direct",
    **settings: object,
) -> AsyncIterator[tuple[EnVivo, str]]:
    """Give the running program and its address; `around` may wrap the ASGI application, the `ordinary` way is
    through it alone."""
    serve_tidily()
    faults: list[str] = []
    let_go = hold_messages(faults.append)
    app = create_app(load_settings(database_url=f"sqlite://{database}", empty=True, **settings))
    app.direct = way == "direct"
    app.asgi_app = around(app.asgi_app)  # type: ignore[method-assign]  # Quart's documented way
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    url = f"http://127.0.0.1:{_port(config.bind[0])}"
    try:
        await _listening(url)
        yield app, url
    finally:
        await app.drain(())
        stop.set()
        await asyncio.wait_for(serving, DEADLINE)
        let_go()
    assert faults == []


def _port(bind: str) -> int:
    with socket.socket(fileno=os.dup(int(bind.removeprefix("fd://")))) as listener:
        return int(listener.getsockname()[1])


async def _listening(url: str) -> None:
    async with asyncio.timeout(DEADLINE), httpx.AsyncClient(timeout=DEADLINE) as client:
        while (await client.get(f"{url}/health")).status_code != 200:
            await asyncio.sleep(0.01)
