"""The page of a cluster: what is seen live, and the buttons. It is for this machine alone.

A request is answered only under a name of this machine, against DNS rebinding; what changes something needs the token
that the page brings along, which no other site can read.
"""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, abort, redirect, render_template, request

from quart_app.cluster.cluster import Cluster, NotNow
from quart_app.cluster.errors import ClusterError
from quart_app.cluster.witness import Witness
from quart_app.resources import static_folder
from quart_app.web import assets, i18n
from quart_app.web.security import HEADERS

TOKEN: Final = "X-Cluster-Token"

_EVERY: Final = 0.5  # s between two events
_LEAVE: Final = 0.5  # s
_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


class Page:
    """What the page shows and does: the cluster, the witness (None: there is no load), and where the balancer is."""

    def __init__(self, cluster: Cluster, witness: Witness | None, url: str) -> None:
        self.token = secrets.token_urlsafe(24)
        self.hosts: set[str] = set()
        self.ending = asyncio.Event()
        self._cluster = cluster
        self._witness = witness
        self._url = url

    def app(self) -> Quart:
        """Return the application that serves the page."""
        app = Quart("quart_app.cluster", static_folder=str(static_folder()), template_folder="templates")
        i18n.register(app)
        assets.register(app)
        app.before_request(self._guard)
        app.after_request(_secure)
        app.get("/")(self.show)
        app.get("/state")(self.state)
        app.get("/events")(self.events)
        app.post("/nodes/<int:number>/<action>")(self.do)
        app.post("/restart")(self.restart)
        app.post("/language")(self.language)
        return app

    async def show(self) -> str:
        """Show the cluster as it is; the page's module goes on from there."""
        return await render_template("cluster/cluster.html", token=self.token, state=self._told(), url=self._url)

    async def state(self) -> Response:
        """Answer with what the page shows, as JSON."""
        return _json(self._told())

    async def events(self) -> Response:
        """Answer with a stream of what the page shows, an event whenever it has changed."""

        async def changes() -> AsyncIterator[bytes]:
            before = b""
            while not self.ending.is_set():
                now = json.dumps(self._told()).encode()
                yield b": nothing new\n\n" if now == before else b"data: " + now + b"\n\n"
                before = now
                with suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY):
                        await self.ending.wait()

        response = Response(changes(), content_type="text/event-stream", headers={"Cache-Control": "no-store"})
        response.timeout = None
        return response

    async def do(self, number: int, action: str) -> Response:
        """Do something to a node."""
        try:
            self._cluster.do(number, action)
        except KeyError:
            abort(404)
        except NotNow:
            abort(409)
        return _json(self._told())

    async def restart(self) -> Response:
        """Restart all nodes, one after another."""
        try:
            self._cluster.restart_all()
        except NotNow:
            abort(409)
        return _json(self._told())

    async def language(self) -> Any:
        """Remember the language of the visitor."""
        response = redirect("/", 303)
        chosen = (await request.form).get("language", "")
        if chosen in i18n.LANGUAGES:
            kept = i18n.COOKIE_SECONDS
            response.set_cookie(i18n.LANGUAGE_COOKIE, chosen, max_age=kept, samesite="Strict", httponly=True)
        return response

    async def _guard(self) -> None:
        """Refuse who is not of this machine, and changes that do not come from the page."""
        if request.host not in self.hosts:
            abort(421)
        if request.method not in {"GET", "HEAD"}:
            given = request.headers.get(TOKEN) or (await request.form).get("token", "")
            same = request.headers.get("Origin") in {None, f"http://{request.host}"}
            if not same or not secrets.compare_digest(given.encode(), self.token.encode()):
                abort(403)

    def _told(self) -> dict[str, Any]:
        cluster = self._cluster
        return {
            "nodes": [node.told() | {"may": cluster.may(node)} for node in cluster.nodes],
            "rolling": cluster.is_rolling,
            "witness": None if self._witness is None else self._witness.told(),
            "timeline": cluster.timeline.told(),
        }


def listen(port: int) -> socket.socket:
    """Return a socket for the page, on a port of this machine (0: a free one). Raise ClusterError."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ClusterError(f"cannot listen on port {port}: {error.strerror}; --page-port names another one") from error


@asynccontextmanager
async def serve_page(page: Page, listener: socket.socket) -> AsyncIterator[str]:
    """Serve the page, and give its address."""
    port = listener.getsockname()[1]
    page.hosts.update(f"{name}:{port}" for name in _NAMES)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 0.2
    config.errorlog = None
    serving = asyncio.create_task(serve(page.app(), config, shutdown_trigger=page.ending.wait))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        page.ending.set()
        # From Python 3.12 on Hypercorn waits until the last client has closed its connection.
        await asyncio.wait([serving], timeout=_LEAVE)
        serving.cancel()
        await asyncio.wait([serving], timeout=_LEAVE)


async def _secure(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _json(told: object) -> Response:
    return Response(json.dumps(told), content_type="application/json", headers={"Cache-Control": "no-store"})
