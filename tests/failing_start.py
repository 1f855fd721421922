"""`python -m tests.failing_start HOW URL`: a server whose start fails in one of several ways once its stores are open.

Prints what it leaves behind: its exit code, threads that go on, whether the database can be opened again.
"""

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial

from quart_app.app import MODEL_MODULES, EnVivo, create_app
from quart_app.config import Settings, load_settings
from quart_app.server.configuration import ServerOptions
from quart_app.server.running import serve
from quart_app.storage.database import Database

_taken: list[socket.socket] = []


async def _raises() -> None:
    raise RuntimeError("no luck today")


async def _exits() -> None:
    sys.exit(3)


async def _takes_too_long() -> None:
    await asyncio.Event().wait()


async def _takes(port: int) -> None:
    _taken.append(socket.create_server(("127.0.0.1", port)))


WAYS: dict[str, Callable[[EnVivo], object]] = {
    "a domain": lambda app: app.at_start(_raises),
    "what comes after the program": lambda app: app.before_serving(_raises),
    "somebody who ends the program": lambda app: app.at_start(_exits),
    "too long": lambda app: app.at_start(_takes_too_long),
    "a port that was taken in between": lambda app: app.at_start(partial(_takes, app.settings.port)),
}


def _build(settings: Settings) -> EnVivo:
    app = create_app(settings)
    WAYS[sys.argv[1]](app)
    return app


async def _open_again(url: str) -> None:
    await (await Database.open(url, MODEL_MODULES)).close()


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        free = found.getsockname()[1]
    settings = load_settings(database_url=sys.argv[2], port=free, empty=True)
    try:
        code = serve(settings, ServerOptions(overrides={"startup_timeout": 2}), lambda: _build(settings))
    except SystemExit as ended:
        code = int(str(ended.code))
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    asyncio.run(_open_again(settings.database_url))
    sys.stdout.write(json.dumps({"code": code, "threads": threads}))


if __name__ == "__main__":
    main()
