"""The page of the operations, for administrators: what the server is doing, live."""

import asyncio
from collections import Counter

from msgspec import to_builtins
from quart import Blueprint, render_template

from quart_app.domains.operations.doors import DoorKeeping
from quart_app.domains.operations.requests import ConnectionsPage
from quart_app.domains.operations.service import Operations
from quart_app.realtime import timestamp
from quart_app.realtime.limits import SECURITY_LINES_SHOWN
from quart_app.web.context import speaker, this_door
from quart_app.web.i18n import local_number


def pages(operations: Operations, keeping: DoorKeeping) -> Blueprint:
    """Return `/admin`."""
    shown = _Pages(operations, keeping)
    blueprint = Blueprint("operations_pages", __name__, template_folder="templates")
    blueprint.get("/admin")(shown.admin)
    return blueprint


class _Pages:
    def __init__(self, operations: Operations, keeping: DoorKeeping) -> None:
        self._operations = operations
        self._keeping = keeping

    async def admin(self) -> str:
        """Show what the server is doing, live."""
        speaker().require_admin()
        operations = self._operations
        cursor = operations.hub.cursor
        # All at once: a node that does not answer is waited for once.
        nodes, (found, _), met, (noted, _) = await asyncio.gather(
            operations.nodes(),
            operations.connections(ConnectionsPage()),
            operations.limits_met(),
            operations.noted(SECURITY_LINES_SHOWN),
        )
        by_transport = Counter(transport for node in nodes for transport in Counter(node.get("connections")).elements())
        return await render_template(
            "operations/admin.html",
            cursor=cursor,
            nodes=nodes if operations.hub.backplane.shared else [],
            by_transport=by_transport,
            found=found,
            doors=self._keeping.listed(this_door()),
            met=met,
            told_at=timestamp,
            number=_number,
            noted=noted,
            noted_for_program=to_builtins(noted),
        )


def _number(number: int) -> str:
    return local_number(f"{number:,}")
