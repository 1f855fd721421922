"""REST of the operations: `/metrics`, the status, the list of connections. All for administrators."""

from quart import Blueprint, Response, request

from quart_app.domains.operations.metrics import Metrics
from quart_app.domains.operations.requests import ConnectionsPage, NotedPage
from quart_app.domains.operations.service import Operations
from quart_app.domains.operations.shapes import ConnectionClosed, ConnectionsFound, PublicId, ServerStatus
from quart_app.security_log import Act, Entry
from quart_app.web.context import note, speaker
from quart_app.web.operations import Operation
from quart_app.web.rest import query_as, success


def routes(operations: Operations, metrics: Metrics) -> Blueprint:
    """Return `/metrics`, `/websocket/status`, `/api/connections…` and `/api/security-log`."""
    views = _Views(operations, metrics)
    blueprint = Blueprint("operations", __name__)
    blueprint.get("/metrics")(views.metrics)
    blueprint.get("/websocket/status")(views.status)
    blueprint.get("/api/connections")(views.connections)
    blueprint.delete("/api/connections/<handle>")(views.disconnect)
    blueprint.get("/api/security-log")(views.noted)
    return blueprint


class _Views:
    def __init__(self, operations: Operations, metrics: Metrics) -> None:
        self._operations = operations
        self._metrics = metrics

    @Operation(tag="operations", answer=str, bare=True, answer_type="text/plain")
    async def metrics(self) -> Response:
        """Return the metrics of this process for Prometheus, in its text format or, where `Accept` says so, as
        OpenMetrics."""
        speaker().require_admin()
        body, content_type = await self._metrics.text(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})

    @Operation(tag="operations", answer=ServerStatus)
    async def status(self) -> Response:
        """Count connections per channel, messages sent and received, errors, response time and uptime, since the
        start."""
        speaker().require_admin()
        return success(self._operations.status())

    @Operation(tag="operations", query=ConnectionsPage, answer=ConnectionsFound)
    async def connections(self) -> Response:
        """List the open connections on all transports; that of a long poll is open until its lease ends."""
        speaker().require_admin()
        asked = query_as(ConnectionsPage)
        return success(self._operations.connections(asked))

    @Operation(tag="operations", answer=ConnectionClosed, path=(("handle", PublicId),), refusals=(404,))
    async def disconnect(self, handle: str) -> Response:
        """Close a connection.

        Its client is sent `bye`, then close code 1008, and comes back after a second.
        """
        who = speaker()
        who.require_admin()
        whose = self._operations.disconnect(handle)
        note("admin", who, Act("disconnect", f"connections/{handle}", f"of {whose.user_id}"))
        return success({"handle": handle})

    @Operation(tag="operations", query=NotedPage, answer=list[Entry])
    async def noted(self) -> Response:
        """List the last lines of the security log, the newest first: who came in, who was turned away, who has changed
        what.

        What is not known is empty.
        """
        speaker().require_admin()
        return success(self._operations.noted(query_as(NotedPage).limit))
