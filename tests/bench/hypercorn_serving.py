"""Hypercorn as En Vivo has it: the same hypercorn.toml and the same loop, on a free port, which is printed."""

import socket
import sys
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from quart_app.resources import resource


async def serve_here(app: Any) -> None:
    """Serve an ASGI application until it is told to end."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    config = Config.from_toml(resource("hypercorn.toml"))
    config.bind = [f"fd://{listener.fileno()}"]
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await serve(app, config)
