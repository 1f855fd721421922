"""The page of the operations, for administrators: what the server is doing, live."""

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
        cursor = self._operations.hub.cursor
        noted = self._operations.noted(SECURITY_LINES_SHOWN)
        return await render_template(
            "operations/admin.html",
            cursor=cursor,
            by_transport=self._operations.connections_by_transport(),
            found=self._operations.connections(ConnectionsPage()),
            doors=self._keeping.listed(this_door()),
            quotas=self._operations.quotas(),
            address_limits=self._operations.address_limits(),
            addresses_met=self._operations.addresses_met(),
            told_at=timestamp,
            number=_number,
            noted=noted,
            noted_for_program=to_builtins(noted),
        )


def _number(number: int) -> str:
    return local_number(f"{number:,}")
