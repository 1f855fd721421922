"""uvicorn at its fastest: uvloop, httptools, no compression, no access log, room for a crowd that connects at once."""

import socket
import sys
from typing import Any

import uvicorn

WEBSOCKETS = "websockets-sansio"  # measured to be the fastest of uvicorn's three


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and print the address then."""
        await super().startup(sockets)
        for listener in sockets or []:
            sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()


def serve(app: Any) -> None:
    """Serve an ASGI application on a free port, which is printed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws=WEBSOCKETS,
        ws_per_message_deflate=False,
        # No ping falls into a measure, so that all followers of a topic get the same bytes.
        ws_ping_interval=None,
        log_level="warning",
        access_log=False,
        backlog=4096,
        timeout_keep_alive=75,  # a publisher waits for the slowest of a thousand followers
        timeout_graceful_shutdown=1,
    )
    _Server(config).run(sockets=[listener])
