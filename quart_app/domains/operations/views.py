"""Operations over plain HTTP: `/metrics`, the status, the list of connections, the page. All for administrators."""

from quart import Blueprint, Response, render_template, request

from quart_app.domains import Program
from quart_app.domains.operations import rules
from quart_app.domains.operations.metrics import Metrics
from quart_app.domains.operations.service import Operations
from quart_app.domains.operations.shapes import ConnectionsFound, ConnectionsPage, Disconnected, Handle, Status
from quart_app.identity import identify
from quart_app.web.operations import Operation
from quart_app.web.rest import query_as, success


def routes(program: Program, operations: Operations, metrics: Metrics) -> Blueprint:
    """`/metrics`, `/websocket/status`, `/api/connections…`, `/admin`."""
    handlers = _Handlers(program, operations, metrics)
    blueprint = Blueprint("operations", __name__, template_folder="templates")
    blueprint.get("/metrics")(handlers.metrics)
    blueprint.get("/websocket/status")(handlers.status)
    blueprint.get("/api/connections")(handlers.connections)
    blueprint.delete("/api/connections/<handle>")(handlers.disconnect)
    blueprint.get("/admin")(handlers.page)
    return blueprint


class _Handlers:
    def __init__(self, program: Program, operations: Operations, metrics: Metrics) -> None:
        self._program = program
        self._operations = operations
        self._metrics = metrics

    def _require_admin(self) -> None:
        rules.require_admin(identify(self._program.settings, request))

    @Operation(tag="operations", answer=str, bare=True, answer_type="text/plain")
    async def metrics(self) -> Response:
        """The metrics of this process for Prometheus, in its text format or, where `Accept` says so, as OpenMetrics."""
        self._require_admin()
        body, content_type = await self._metrics.text(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})

    @Operation(tag="operations", answer=Status)
    async def status(self) -> Response:
        """Connections per channel, messages sent and received, errors, response time and uptime, since the start."""
        self._require_admin()
        return success(self._operations.status())

    @Operation(tag="operations", query=ConnectionsPage, answer=ConnectionsFound)
    async def connections(self) -> Response:
        """The open connections on all transports, a poller's for as long as its lease."""
        self._require_admin()
        asked = query_as(ConnectionsPage)
        return success(self._operations.connections(asked))

    @Operation(tag="operations", answer=Disconnected, path=(("handle", Handle),), refusals=(404,))
    async def disconnect(self, handle: str) -> Response:
        """Close a connection: its client is sent `bye`, then close code 1008, and comes back after a second."""
        self._require_admin()
        self._operations.disconnect(handle)
        return success({"handle": handle})

    async def page(self) -> str:
        """What the server is doing, live."""
        self._require_admin()
        cursor = self._program.hub.cursor
        return await render_template(
            "operations/admin.html",
            cursor=cursor,
            by_transport=self._operations.connections_by_transport(),
            found=self._operations.connections(ConnectionsPage()),
        )
