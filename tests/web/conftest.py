"""A small application that carries the web parts alone, with a page for each way to fail."""

from collections.abc import AsyncIterator, Iterator

import pytest
from quart import Quart, request
from quart.typing import TestClientProtocol as Client

from quart_app import web
from quart_app.config import Settings
from quart_app.doors import Doors
from quart_app.identity import Identification
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.refused import Refused
from quart_app.resources import static_folder
from quart_app.security_log import SecurityLog
from quart_app.transports.guards.doorkeeper import Doorkeeper
from quart_app.web.lean import LeanQuart
from tests.running import ServerProcess


class SmallApp(LeanQuart):
    """An application that is as healthy as the test says."""

    checks: dict[str, str]
    settings = Settings()
    hub = Hub()
    identification = Identification(hub.revocations)
    security = SecurityLog()

    async def healthy(self) -> dict[str, str]:
        return self.checks


def _routes(app: Quart) -> None:
    @app.get("/page/refused")
    @app.get("/api/refused")
    async def refused() -> str:
        raise Refused("name_taken", "that name is taken", status=409, fields={"name": "taken"})

    @app.get("/api/busy")
    async def busy() -> str:
        raise Refused("busy", "try later", status=503, retry_after=1.2)

    @app.get("/page/broken")
    @app.get("/api/broken")
    @app.get("/api/broken/<_name>")
    async def broken(_name: str = "") -> str:
        raise RuntimeError("the secret inside")

    @app.post("/api/large")
    async def large() -> str:
        return str(len(await request.get_data()))


@pytest.fixture
def app() -> SmallApp:
    app = SmallApp("quart_app", static_folder=str(static_folder()), static_url_path="/static")
    app.checks = {"process": "ok", "database": "ok"}
    app.config["MAX_CONTENT_LENGTH"] = 1000
    web.register(app, app.settings)
    _routes(app)
    doors = Doors(app.settings.doors)
    app.asgi_app = Doorkeeper(app.asgi_app, doors, app.security)  # type: ignore[method-assign]  # Quart's way
    return app


@pytest.fixture
async def client(app: SmallApp) -> AsyncIterator[Client]:
    async with app.test_app() as running:
        yield running.test_client()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A real server whose sensors do not keep a test waiting."""
    server = ServerProcess(tmp_path_factory.mktemp("server"), sensor_interval=0.5)
    yield server.start()
    server.check_clean_end()
