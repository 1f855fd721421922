"""The page of the operations, for administrators: what the server is doing, live."""

from msgspec import to_builtins
from quart import Blueprint, render_template

from quart_app.domains.operations.requests import ConnectionsPage
from quart_app.domains.operations.service import Operations
from quart_app.realtime.limits import SECURITY_LINES_SHOWN
from quart_app.web.context import speaker
from quart_app.web.i18n import local_number


def pages(operations: Operations) -> Blueprint:
    """Return `/admin`."""
    shown = _Pages(operations)
    blueprint = Blueprint("operations_pages", __name__, template_folder="templates")
    blueprint.get("/admin")(shown.admin)
    return blueprint


class _Pages:
    def __init__(self, operations: Operations) -> None:
        self._operations = operations

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
            quotas=self._operations.quotas(),
            number=_number,
            noted=noted,
            noted_for_program=to_builtins(noted),
        )


def _number(number: int) -> str:
    return local_number(f"{number:,}")
