"""REST of the operations: `/metrics`, the status, the connections, the doors. All for administrators."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta
from quart import Blueprint, Response, request

from quart_app.domains.operations import rules
from quart_app.domains.operations.doors import DoorKeeping
from quart_app.domains.operations.metrics import Metrics
from quart_app.domains.operations.requests import ConnectionsPage, NewDoor, NewToken, NotedPage
from quart_app.domains.operations.service import Operations
from quart_app.domains.operations.shapes import (
    ConnectionClosed,
    ConnectionsFound,
    DoorClosed,
    DoorListed,
    DoorToken,
    NodeListed,
    PublicId,
    ServerStatus,
)
from quart_app.identity import issue_token
from quart_app.realtime import Identity, all_cleaned, checked
from quart_app.security_log import Act, Entry
from quart_app.web.context import note, speaker, this_door
from quart_app.web.nodes import NODES, beside_data
from quart_app.web.operations import Operation
from quart_app.web.rest import json_body, query_as, success

DoorName = Annotated[str, Meta(max_length=32, examples=["class"])]


def routes(operations: Operations, metrics: Metrics, keeping: DoorKeeping) -> Blueprint:
    """Return `/metrics`, `/websocket/status`, `/api/connections…`, `/api/nodes`, `/api/doors…` and
    `/api/security-log`."""
    views, doors = _Views(operations, metrics), _DoorViews(keeping)
    blueprint = Blueprint("operations", __name__)
    blueprint.get("/metrics")(views.metrics)
    blueprint.get("/websocket/status")(views.status)
    blueprint.get("/api/connections")(views.connections)
    blueprint.delete("/api/connections/<handle>")(views.disconnect)
    blueprint.get("/api/nodes")(views.nodes)
    blueprint.get("/api/security-log")(views.noted)
    blueprint.get("/api/doors")(doors.listed)
    blueprint.post("/api/doors")(doors.open)
    blueprint.delete("/api/doors/<name>")(doors.close)
    blueprint.post("/api/doors/<name>/tokens")(doors.token)
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

    @Operation(tag="operations", answer=ServerStatus, perhaps=NODES)
    async def status(self) -> Response:
        """Count connections per channel, messages sent and received, errors, response time and uptime, since the
        start, on all nodes."""
        who = speaker()
        who.require_admin()
        status, survey = await self._operations.status()
        return success(status, **beside_data(survey, who))

    @Operation(tag="operations", query=ConnectionsPage, answer=ConnectionsFound, perhaps=NODES)
    async def connections(self) -> Response:
        """List the open connections on all transports and all nodes; that of a long poll is open until its lease ends.

        Of several nodes the first 1,000 in the order that is asked for can be had.
        """
        who = speaker()
        who.require_admin()
        found, survey = await self._operations.connections(query_as(ConnectionsPage))
        return success(found, **beside_data(survey, who))

    @Operation(tag="operations", answer=list[NodeListed])
    async def nodes(self) -> Response:
        """List the nodes: the processes that serve one log together, and what each of them leads."""
        speaker().require_admin()
        return success(await self._operations.nodes())

    @Operation(tag="operations", answer=ConnectionClosed, path=(("handle", PublicId),), refusals=(404,))
    async def disconnect(self, handle: str) -> Response:
        """Close a connection.

        Its client is sent `bye`, then close code 1008, and comes back after a second.
        """
        who = speaker()
        who.require_admin()
        whose = await self._operations.disconnect(handle)
        note("admin", who, Act("disconnect", f"connections/{handle}", f"of {whose}"))
        return success({"handle": handle})

    @Operation(tag="operations", query=NotedPage, answer=list[Entry], perhaps=NODES)
    async def noted(self) -> Response:
        """List the last lines of the security log, the newest first: who came in, who was turned away, who has changed
        what.

        What is not known is empty.
        """
        who = speaker()
        who.require_admin()
        lines, survey = await self._operations.noted(query_as(NotedPage).limit)
        return success(lines, **beside_data(survey, who))


class _DoorViews:
    def __init__(self, keeping: DoorKeeping) -> None:
        self._keeping = keeping

    @Operation(tag="operations", answer=list[DoorListed])
    async def listed(self) -> Response:
        """List the doors of this server, the first one first, with those who have come in by each."""
        speaker().require_admin()
        return success(self._keeping.listed(this_door()))

    @Operation(tag="operations", body=NewDoor, answer=DoorListed, status=201, refusals=(409,))
    async def open(self) -> Response:
        """Open a door while the server runs.

        A secure one has a key of its own, which is in memory alone: it is gone when the door is closed, or the server
        ends.
        """
        who = speaker()
        rules.require_free_hand(who)
        opened = await self._keeping.open(checked(await json_body(), NewDoor), this_door())
        detail = f"{' '.join(opened['listens_at'])} {opened['access']}"
        note("admin", who, Act("open", f"doors/{opened['name']}", detail))
        return success(opened, status=201)

    @Operation(tag="operations", answer=DoorClosed, path=(("name", DoorName),), refusals=(404, 409))
    async def close(self, name: str) -> Response:
        """Close a door.

        Whoever has come in by it is told so, a WebSocket with 4401, and cut off after a second; the tokens of its own
        key are good no more. Neither the first door is closed nor the one that this request comes in by.
        """
        who = speaker()
        rules.require_free_hand(who)
        connections = self._keeping.may_close(name, this_door())
        # Now: the door is closed, too, where nobody waits any more until everybody has left.
        note("admin", who, Act("close", f"doors/{name}", f"connections: {connections}"))
        await self._keeping.close(name)
        return success({"name": name, "connections": connections})

    @Operation(
        tag="operations", body=NewToken, answer=DoorToken, status=201, path=(("name", DoorName),), refusals=(404, 409)
    )
    async def token(self, name: str) -> Response:
        """Make a token for a secure door that was opened while the server runs.

        For the doors of the start, whose keys are known outside, `envivo token` makes them.
        """
        who = speaker()
        rules.require_free_hand(who)
        asked = checked(await json_body(), NewToken)
        door = self._keeping.inviting(name)
        user_id, username, role = all_cleaned(
            user_id=(asked.user_id, rules.user_text),
            username=(asked.username or "-", rules.user_text),
            role=(asked.role, rules.user_text),
        )
        lifetime = timedelta(seconds=min(asked.lifetime, door.token_lifetime))
        token = issue_token(door, Identity(user_id, username if asked.username else user_id, role), lifetime)
        note("admin", who, Act("make a token", f"doors/{name}", f"for {user_id}, {role}"))
        return success({"token": token, "address": self._keeping.link(door, token)}, status=201)
